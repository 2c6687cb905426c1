namespace MlNetFineTune.Tool.Tests;

/// <summary>Help, completion, and wrong use: nothing is begun, the exit code is 2, and the message says what to do.</summary>
[TestClass]
public sealed class UseTests
{
    private static readonly string[] s_commands = ["train", "evaluate", "predict", "export", "examine", "serve", "completion"];

    [TestMethod]
    public void HelpListsTheCommandsAndTheExitCodes()
    {
        ToolRun help = ToolRun.Done("--help");

        foreach (string command in s_commands)
            StringAssert.Contains(help.Output, $"\n  {command}");
        StringAssert.Contains(string.Join(' ', help.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
            "0 done, 1 failed, 2 wrong use, 3 done except for inputs that cannot be read, 130 cancelled");
    }

    [TestMethod]
    public void EachCommandHasItsHelp()
    {
        foreach (string command in s_commands)
        {
            ToolRun help = ToolRun.Done(command, "--help");
            StringAssert.Contains(help.Output, $"finetune {command}");
            Assert.IsLessThan(80, help.Output.Split('\n').Length, $"The help of {command} is longer than a page.");
        }
    }

    [TestMethod]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--epoch", "3" }, "--epochs")] // did you mean
    [DataRow(new[] { "trian", "photos" }, "train")]
    [DataRow(new[] { "train", "photos" }, "--output")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--strategy", "last:0" }, "There is no strategy 'last:0'")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--augmentation", "wild" }, "There are: none, gentle, light, standard, strong.")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--epochs", "0" }, "--epochs 0: it must be a whole number, at least 1.")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--validation", "1" }, "--validation 1: it must be a number from 0 on and below 1.")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--time-budget", "soon" }, "such as 90s, 30m, 2h or 01:30:00")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--time-budget", "1e30h" }, "--time-budget 1e30h: it must be a time above 0 and up")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--time-budget", "366.00:00:00" }, "up to a year")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--card", "./m.zip" }, "--card and --output are one file")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--examine", "m.zip" }, "--examine and --output are one file")]
    [DataRow(new[] { "train", "photos", "-o", "m.zip", "--precision", "float8" }, "There are: float32, bfloat16, auto.")]
    [DataRow(new[] { "train", "rows.csv", "-o", "m.zip", "--image", "a", "--text", "b" }, "take one of them")]
    [DataRow(new[] { "export", "m.zip", "m.onnx", "--bits", "4" }, "'32'")]
    [DataRow(new[] { "export", "m.zip", "m.zip" }, "output and model are one file")]
    [DataRow(new[] { "export", "m.zip", "m.onnx", "--card", "./m.onnx" }, "--card and output are one file")]
    [DataRow(new[] { "export", "m.zip", "m.onnx", "--card", "m.zip" }, "--card and model are one file")]
    [DataRow(new[] { "predict", "m.zip", "a.jpg", "--json", "--csv" }, "take one of them")]
    [DataRow(new[] { "serve", "m.zip", "--url", "ftp://here" }, "it must be an address such as http://127.0.0.1:5000")]
    [DataRow(new[] { "serve", "m.zip", "--url", "http://example.org:5000" }, "with an IP address or localhost")]
    [DataRow(new[] { "serve", "m.zip", "--url", "http://me@127.0.0.1:5000" }, "without a user")]
    [DataRow(new[] { "serve", "m.zip", "--url", "http://127.0.0.1:5000/?a=b" }, "without a user, a path or a query")]
    [DataRow(new[] { "completion", "tcsh" }, "'bash'")]
    public void WrongUseHasExitCode2(string[] arguments, string says)
    {
        ToolRun run = ToolRun.Of(arguments);

        Assert.AreEqual(2, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, says);
        Assert.AreEqual("", run.Output);
    }

    [TestMethod]
    [DataRow("finetune tr", "train")]
    [DataRow("finetune train photos --ep", "--epochs")]
    [DataRow("finetune train photos --backbone resnet1", "resnet18")]
    [DataRow("finetune completion b", "bash")]
    public void TheProgramCompletesItsCommandLine(string line, string expected)
    {
        ToolRun run = ToolRun.Done($"[suggest:{line.Length}]", line);

        CollectionAssert.Contains(run.Lines, expected);
    }

    [TestMethod]
    [DataRow("bash", "complete -o default -F _finetune_complete finetune")]
    [DataRow("zsh", "compdef _finetune finetune")]
    [DataRow("pwsh", "Register-ArgumentCompleter -Native -CommandName finetune")]
    public void ShellsAreToldHowToAskIt(string shell, string line) =>
        StringAssert.Contains(ToolRun.Done("completion", shell).Output, line);
}
