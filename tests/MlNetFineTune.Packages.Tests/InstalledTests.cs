using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using MlNetFineTune.Packages.Tests.Support;

namespace MlNetFineTune.Packages.Tests;

/// <summary>
/// The packages installed in projects outside the repository: each fine-tunes, scores and exports, to the same numbers. The programs are
/// below <c>Fresh</c>, and on the pages of the packages.
/// </summary>
[TestClass]
public sealed partial class InstalledTests
{
    // The console program, published for the runtime of the machine, as the others are compared with.
    private static readonly Lazy<Outcome> s_reference = new(() =>
    {
        var folder = Fresh.Publish("net10.0");
        return Run(new ProcessStartInfo(Command.DotNet, [Path.Combine(folder, "Console.dll")]));
    });

    [TestMethod]
    public void AConsoleProgramLearnsAndExports()
    {
        var outcome = s_reference.Value;

        Assert.AreEqual("1", outcome["accuracy"], "stripes across and stripes down");
        Assert.HasCount(8, outcome.Scores("trained"));
        Assert.AreEqual(outcome["trained"], outcome["loaded"]);
        Outcome.AssertClose(outcome.Scores("trained"), outcome.Scores("onnxruntime"), 1e-4f, "ONNX Runtime as the engine");
        Outcome.AssertClose(outcome.Scores("trained"), outcome.Scores("stock"), 0.05f, "ML.NET resizes pictures in another way");
        Assert.AreEqual("128", outcome["embedding"]);
        Assert.StartsWith(".NET 10.", outcome["runtime"]);
        Assert.AreEqual(".NETCoreApp,Version=v10.0", outcome["built for"]);
    }

    /// <summary>As in a container: another working directory, no variables (not even HOME), and nothing written beside it.</summary>
    [TestMethod]
    public void ASelfContainedFolderNeedsNoEnvironmentAndIsNotWrittenTo()
    {
        var folder = Fresh.Publish("net10.0", "-r", Fresh.RuntimeIdentifier, "--self-contained");
        var before = FilesOf(folder);
        MakeReadOnly(folder, true);

        var start = new ProcessStartInfo(Executable(folder)) { WorkingDirectory = Path.GetPathRoot(folder)! };
        var needed = OperatingSystem.IsWindows() ? start.Environment["SystemRoot"] : null;
        start.Environment.Clear();
        if (needed is not null)
            start.Environment["SystemRoot"] = needed;
        try
        {
            AssertSame(Run(start));
        }
        finally
        {
            MakeReadOnly(folder, false);
        }
        CollectionAssert.AreEqual(before, FilesOf(folder));
    }

    [TestMethod]
    public void ASingleFileRuns()
    {
        var folder = Fresh.Publish("net10.0", "-r", Fresh.RuntimeIdentifier, "--self-contained", "-p:PublishSingleFile=true");
        Assert.IsEmpty(Directory.GetFiles(folder, "*.dll").Where(file => Path.GetFileName(file).StartsWith("MlNetFineTune",
            StringComparison.Ordinal)), "the managed assemblies are in the program");
        AssertSame(Run(new ProcessStartInfo(Executable(folder))));
    }

    [TestMethod]
    public void AProgramOfDotNet8Runs()
    {
        // With its runtime, which the machine need not have.
        var folder = Fresh.Publish("net8.0", "-r", Fresh.RuntimeIdentifier, "--self-contained");
        var outcome = Run(new ProcessStartInfo(Executable(folder)));

        Assert.StartsWith(".NET 8.", outcome["runtime"]);
        Assert.AreEqual(".NETCoreApp,Version=v8.0", outcome["built for"]);
        Assert.AreEqual("1", outcome["accuracy"]);
        Assert.AreEqual(outcome["trained"], outcome["loaded"]);
        Outcome.AssertClose(s_reference.Value.Scores("trained"), outcome.Scores("trained"), 1e-4f, ".NET 8");
        Outcome.AssertClose(outcome.Scores("trained"), outcome.Scores("onnxruntime"), 1e-4f, "ONNX Runtime as the engine");
    }

    [TestMethod]
    public void AProgramInFSharpLearnsTheSame()
    {
        var start = new ProcessStartInfo(Command.DotNet, [Fresh.Built("FSharp")]);
        using var output = new Folder();
        foreach (var argument in Arguments(output))
            start.ArgumentList.Add(argument);
        // Another number of threads adds in another order, and one of the programs has no variables at all.
        foreach (var name in start.Environment.Keys.Where(IsOfThreads).ToList())
            start.Environment.Remove(name);
        var outcome = new Outcome(Command.Run(start));

        Assert.AreEqual(s_reference.Value["trained"], outcome["trained"]);
        Assert.IsGreaterThan(100_000, new FileInfo(output.File("fsharp.onnx")).Length);
    }

    [TestMethod]
    public async Task AWebApplicationAnswersWithTheSameScores()
    {
        using var output = new Folder();
        var start = new ProcessStartInfo(Command.DotNet, [Fresh.Built("Web"), .. Arguments(output), "http://127.0.0.1:0"]);
        using var process = Command.Start(start, out var printed);
        try
        {
            Match address = Match.Empty;
            await Patience.UntilAsync(
                () => Task.FromResult((address = Address().Match(Command.Text(printed))).Success || process.HasExited),
                "the application listens");
            Assert.IsTrue(address.Success, Command.Text(printed));
            using var client = new HttpClient { BaseAddress = new Uri(address.Groups["address"].Value), Timeout = Patience.Limit };

            var photos = Directory.GetFiles(Path.Combine(Fresh.Pictures, "test"), "*.bmp", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal).ToArray();
            var scores = new List<float[]>();
            foreach (var photo in photos)
            {
                using var response = await client.PostAsJsonAsync("/classify", new { ImagePath = photo });
                response.EnsureSuccessStatusCode();
                scores.Add((await response.Content.ReadFromJsonAsync<Prediction>())!.Score);
            }

            Outcome.AssertClose(s_reference.Value.Scores("trained"), [.. scores], 1e-5f, "the predictor");
            Assert.IsGreaterThan(100_000, (await client.GetByteArrayAsync("/photos.onnx")).Length);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
    }

    [TestMethod]
    public void TheProgramOfThePackagesPageRunsFromOneFile()
    {
        var printed = Fresh.RunDotNet("run", Fresh.Script());

        Assert.Contains("accuracy 1.000, F1 1.000", printed);
        Assert.IsGreaterThan(100_000, new FileInfo(Path.Combine(Fresh.Root, "photos.onnx")).Length);
        Assert.IsTrue(File.Exists(Path.Combine(Fresh.Root, "photos.zip")));
    }

    [TestMethod]
    public void TheCodeOnThePagesOfThePackagesIsCompiledHere()
    {
        var programs = string.Join('\n', Directory.GetFiles(Path.Combine(Repository.Root, "tests", "MlNetFineTune.Packages.Tests", "Fresh"),
            "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText)).ReplaceLineEndings("\n");
        foreach (var package in Packed.All.Where(package => package.Id != "MlNetFineTune")) // whose program is run
        {
            var page = System.Text.Encoding.UTF8.GetString(package.Read("README.md")).ReplaceLineEndings("\n");
            foreach (Match block in Fresh.CodeBlocks().Matches(page))
                Assert.Contains(block.Groups["code"].Value, programs, package.Id);
        }
    }

    private static void AssertSame(Outcome outcome)
    {
        foreach (var name in (string[])["trained", "loaded", "onnxruntime", "stock", "accuracy", "embedding"])
            Assert.AreEqual(s_reference.Value[name], outcome[name], name);
    }

    private static Outcome Run(ProcessStartInfo start)
    {
        using var output = new Folder();
        foreach (var argument in Arguments(output))
            start.ArgumentList.Add(argument);
        // Another number of threads adds in another order, and one of the programs has no variables at all.
        foreach (var name in start.Environment.Keys.Where(IsOfThreads).ToList())
            start.Environment.Remove(name);
        var outcome = new Outcome(Command.Run(start));
        foreach (var file in (string[])["photos.zip", "photos.onnx", "photos-stock.zip"])
            Assert.IsGreaterThan(100_000, new FileInfo(output.File(file)).Length, file);
        return outcome;
    }

    private static bool IsOfThreads(string variable) =>
        variable.StartsWith("OMP_", StringComparison.Ordinal) || variable.StartsWith("MKL_", StringComparison.Ordinal);

    private static string[] Arguments(Folder output) => [Fresh.Pictures, Fresh.Weights, output.Path];

    private static string Executable(string folder) => Path.Combine(folder, OperatingSystem.IsWindows() ? "Console.exe" : "Console");

    private static string[] FilesOf(string folder) => [.. new DirectoryInfo(folder).GetFiles("*", SearchOption.AllDirectories)
        .Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal)];

    // The folders alone: the files may be hard links to those of the package folder. Root writes all the same, and is found out by FilesOf.
    private static void MakeReadOnly(string folder, bool readOnly)
    {
        if (OperatingSystem.IsWindows())
            return;
        const UnixFileMode Read = UnixFileMode.UserRead | UnixFileMode.UserExecute;
        foreach (var path in (string[])[folder, .. Directory.GetDirectories(folder, "*", SearchOption.AllDirectories)])
            File.SetUnixFileMode(path, readOnly ? Read : Read | UnixFileMode.UserWrite);
    }

    [GeneratedRegex(@"Now listening on: (?<address>http://\S+)")]
    private static partial Regex Address();

    private sealed record Prediction(float[] Score);
}
