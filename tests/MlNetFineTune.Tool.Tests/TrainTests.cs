using System.Diagnostics;
using System.Text.Json;

namespace MlNetFineTune.Tool.Tests;

[TestClass]
public sealed class TrainTests
{
    [TestMethod]
    public void PhotosBecomeAModelWithACard()
    {
        ToolRun run = Samples.PhotoTraining;

        JsonElement json = run.Json;
        CollectionAssert.AreEqual(new[] { "bright", "dark" }, json.GetProperty("classes").EnumerateArray().Select(name => name.GetString())
            .ToArray());
        Assert.AreEqual("completed", json.GetProperty("end").GetString());
        Assert.AreEqual(20, json.GetProperty("epochs").GetArrayLength());
        Assert.AreEqual(
            2 * Samples.PerClass, json.GetProperty("trainingRows").GetInt32() + json.GetProperty("validationRows").GetInt32());
        Assert.AreEqual(1, json.GetProperty("test").GetProperty("accuracy").GetDouble());
        Assert.IsTrue(File.Exists(json.GetProperty("model").GetString()));
        StringAssert.Contains(File.ReadAllText(json.GetProperty("card").GetString()!), "# micro, fine-tuned");
        StringAssert.Contains(run.Error, "Training done after"); // text for people
    }

    [TestMethod]
    public void RelativePathsOfAFileBeginInItsFolder()
    {
        string file = Samples.PathOf("photos.tsv");
        File.WriteAllLines(file,
        [
            "Kind\tFile",
            .. from kind in new[] { "bright", "dark" } from i in Enumerable.Range(0, 6)
               select $"{kind}\t{Path.Combine(Path.GetFileName(Samples.Photos), kind, $"{i}.png")}",
        ]);

        ToolRun run = ToolRun.Done(
            "train", file, "--label", "Kind", "--image", "file", "--backbone", "micro", "--weights", "random", "--strategy", "head",
            "--epochs", "1", "--validation", "0", "--output", Samples.PathOf("tsv.zip"), "--json");

        Assert.AreEqual(12, run.Json.GetProperty("trainingRows").GetInt32());
        Assert.AreEqual(0, run.Json.GetProperty("validationRows").GetInt32());
        Assert.AreEqual(JsonValueKind.Null, run.Json.GetProperty("test").ValueKind);
    }

    [TestMethod]
    public void NamesOfClassesDoNotLeadOutOfTheFolderOfExplanations()
    {
        string file = Samples.PathOf("strange.csv"), folder = Path.Combine(Samples.PathOf("strange"), "why");
        (string Label, string Path)[] rows =
        [
            .. Enumerable.Range(0, 4).Select(i => ("../x", Path.Combine(Samples.Photos, "bright", $"{i}.png"))),
            .. Enumerable.Range(0, 4).Select(i => ("N/A", Path.Combine(Samples.Photos, "dark", $"{i}.png"))),
            ("../x", Path.Combine(Samples.TestPhotos, "bright", "0.png")), // of the same class and name as the first
        ];
        File.WriteAllLines(file, ["Label,ImagePath", .. rows.Select(row => $"{row.Label},{row.Path}")]);

        ToolRun.Done(
            "train", file, "--backbone", "micro", "--weights", "random", "--strategy", "head", "--epochs", "1", "--validation", "0",
            "--explain", folder, "--output", Samples.PathOf("strange.zip"));

        CollectionAssert.AreEqual(
            rows.Select((row, i) => $"{i:00000}-{(row.Label == "N/A" ? "N_A" : "___x")}-{Path.GetFileNameWithoutExtension(row.Path)}.png")
                .ToArray(),
            Directory.GetFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToArray());
        CollectionAssert.AreEqual(new[] { folder }, Directory.GetFileSystemEntries(Samples.PathOf("strange")));
    }

    [TestMethod]
    public void AnEvaluationThatFailsLeavesTheModel()
    {
        string bad = Samples.PathOf("bad-test.csv"), model = Samples.PathOf("not-evaluated.zip"), card = Samples.PathOf("not-evaluated.md");
        File.WriteAllText(Samples.PathOf("broken.png"), "This is no picture.");
        File.WriteAllLines(bad, ["Label,ImagePath", "dark,broken.png", "bright,broken.png"]);

        ToolRun run = ToolRun.Of(
            "train", Samples.Photos, "--test", bad, "--backbone", "micro", "--weights", Samples.Weights, "--strategy", "head", "--epochs",
            "1", "--output", model, "--card", card);

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, "None of the 2 photos");
        Assert.IsTrue(File.Exists(card));
        ToolRun.Done("predict", model, Path.Combine(Samples.Photos, "dark", "0.png")); // it loads
    }

    [TestMethod]
    public void TheSameCommandGoesOnFromItsCheckpoint()
    {
        string[] command =
        [
            "train", Samples.Photos, "--backbone", "micro", "--weights", Samples.Weights, "--strategy", "last:1", "--epochs", "2",
            "--checkpoint", Samples.PathOf("checkpoints"), "--output", Samples.PathOf("again.zip"),
        ];
        ToolRun.Done(command);

        ToolRun again = ToolRun.Done(command);

        StringAssert.Contains(again.Output, "The training is finished already: the model comes from the checkpoint");
    }

    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public async Task CtrlCStopsWithTheBestModelSoFar()
    {
        string model = Samples.PathOf("stopped.zip"), history = Path.Combine(Samples.PathOf("run"), "history.csv");
        using Process process = ToolRun.Start(
            "train", Samples.Photos, "--backbone", "micro", "--weights", Samples.Weights, "--epochs", "100000", "--run-folder",
            Samples.PathOf("run"), "--output", model);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await Patience.UntilAsync(() => Task.FromResult(process.HasExited || File.Exists(history)), "an epoch is complete");

        Signals.Send(process.Id, Signals.Interrupt);
        ToolRun run = ToolRun.End(process, output, error);

        Assert.AreEqual(0, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, "Stopping with the best model so far.");
        StringAssert.Contains(run.Output, "Training stopped as asked");
        Assert.AreEqual(0, ToolRun.Of("predict", model, Path.Combine(Samples.Photos, "dark", "0.png")).ExitCode);
    }

    // A step of this network takes seconds: it is pressed for the second time before its end, when the first is obeyed.
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public async Task CtrlCTwiceEndsWithoutAModel()
    {
        string model = Samples.PathOf("cancelled.zip");
        using Process process = ToolRun.Start(
            "train", Samples.Photos, "--backbone", "resnet50", "--weights", "random", "--validation", "0", "--epochs", "1000", "--output",
            model);
        await ReadUntilAsync(process.StandardOutput, " loss "); // of the step before
        Task<string> output = process.StandardOutput.ReadToEndAsync();

        Signals.Send(process.Id, Signals.Interrupt);
        await ReadUntilAsync(process.StandardError, "Stopping");
        Signals.Send(process.Id, Signals.Interrupt);
        ToolRun run = ToolRun.End(process, output, process.StandardError.ReadToEndAsync());

        Assert.AreEqual(130, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, "Cancelled.");
        Assert.IsFalse(File.Exists(model));
    }

    private static async Task ReadUntilAsync(StreamReader reader, string text)
    {
        while (await reader.ReadLineAsync().WaitAsync(Patience.Limit) is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
                return;
        }
        Assert.Fail($"The program ended without '{text}'.");
    }

    [TestMethod]
    [DataRow(new[] { "--backbone", "resnet81", "--weights", "random" }, "There is no backbone 'resnet81'")]
    [DataRow(new[] { "--backbone", "micro", "--weights", "none.safetensors" }, "none.safetensors")]
    [DataRow(new[] { "--backbone", "micro" }, "--weights is missing")]
    [DataRow(new[] { "--backbone", "micro", "--weights", "random", "--max-length", "5" }, "--max-length is of texts")]
    [DataRow(new[] { "--backbone", "micro", "--weights", "random", "--text", "Text" }, "is a folder")]
    public void OptionsThatDoNotFitTheDataAreRefused(string[] options, string says)
    {
        ToolRun run = ToolRun.Of(["train", Samples.Photos, "--output", Samples.PathOf("refused.zip"), .. options]);

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, says);
        Assert.IsFalse(File.Exists(Samples.PathOf("refused.zip")));
    }

    [TestMethod]
    public void AMissingFolderOfDataIsNamed()
    {
        ToolRun run = ToolRun.Of("train", Samples.PathOf("nowhere"), "--output", Samples.PathOf("refused.zip"));

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, $"There is neither a folder nor a file '{Samples.PathOf("nowhere")}'");
    }

    [TestMethod]
    [DataRow("Label,Other\na,b\n", "which column has the pictures' paths (--image NAME) or the texts (--text NAME)?")]
    [DataRow("Kind,Text\na,b\n", "has no column 'Label'")]
    [DataRow("Label,Text\na,b,c\n", "line 2: 3 fields, where the first line has 2")]
    [DataRow("Label,Text\na,b\n,c\n", "line 3: the column 'Label' has no label")]
    [DataRow("Label,Text\na,\"b\n", "a quotation mark is not closed")]
    [DataRow("Label,Text\n", "no rows")]
    [DataRow("", "is empty")]
    public void AWrongFileSaysWhere(string content, string says)
    {
        string file = Samples.PathOf("wrong.csv");
        File.WriteAllText(file, content);

        ToolRun run = ToolRun.Of("train", file, "--backbone", Samples.Encoder, "--output", Samples.PathOf("refused.zip"));

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, says);
    }

    // No one may write there, whoever runs the tests.
    [TestMethod]
    [OSCondition(OperatingSystems.Linux)]
    public void AFolderThatCannotBeWrittenToIsFoundBeforeTheTraining()
    {
        ToolRun run = ToolRun.Of("train", Samples.Photos, "--weights", "random", "--output", "/proc/model.zip");

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, "The folder '/proc' for 'model.zip' cannot be written to.");
        Assert.AreEqual("", run.Output);
    }

    [TestMethod]
    public void AMissingFolderForTheModelIsFoundBeforeTheTraining()
    {
        ToolRun run = ToolRun.Of("train", Samples.Photos, "--weights", "random", "--output", Path.Combine(Samples.PathOf("none"), "m.zip"));

        Assert.AreEqual(1, run.ExitCode, run.Error);
        StringAssert.Contains(run.Error, $"There is no folder '{Samples.PathOf("none")}' for 'm.zip'.");
        Assert.AreEqual("", run.Output);
    }
}
