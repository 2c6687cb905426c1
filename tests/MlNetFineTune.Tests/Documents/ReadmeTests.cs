using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Documents;

/// <summary>
/// README's first example runs as it is there, and its outputs are those of the samples. With the variable
/// <c>MLNETFINETUNE_WRITE_README=1</c> the test of the outputs writes them.
/// </summary>
[TestClass]
public sealed partial class ReadmeTests
{
    private const string Variable = "MLNETFINETUNE_WRITE_README";

    /// <summary>The largest difference of an accuracy or F1 between machines, whose arithmetic rounds differently.</summary>
    private const double Tolerance = 0.05;

    [TestMethod]
    [DataRow("QuickStart")]
    [DataRow("TextQuickStart")]
    public void OutputsAreThoseOfTheSamples(string sample)
    {
        var readme = Pages.Read("README.md");
        var place = Output().Matches(readme).Single(match => match.Groups["sample"].Value == sample).Groups["lines"];

        var printed = Results(DotNet.Run(ProgramIn("samples", sample)));

        if (Environment.GetEnvironmentVariable(Variable) == "1")
            Write(readme[..place.Index] + printed + readme[(place.Index + place.Length)..]);
        else
            AssertAlike(place.Value, printed);
    }

    [TestMethod]
    public void TheFirstExampleRuns()
    {
        var weights = SharedData.RequireOrSkip("weights/mobilenetv2_100.safetensors");
        var photos = SharedData.RequireOrSkip("data/ants-bees");
        using var folder = new Folder();
        File.CreateSymbolicLink(folder.File("mobilenetv2_100.safetensors"), weights);
        foreach (var (part, from) in new[] { ("train", "train"), ("test", "val") })
        {
            foreach (var kind in new[] { "ants", "bees" })
            {
                var to = Directory.CreateDirectory(Path.Combine(folder.Path, "photos", part, kind));
                foreach (var photo in Directory.EnumerateFiles(Path.Combine(photos, from, kind)).Order(StringComparer.Ordinal).Take(12))
                    File.CreateSymbolicLink(Path.Combine(to.FullName, Path.GetFileName(photo)), photo);
            }
        }

        var printed = DotNet.RunIn(folder.Path, ProgramIn("tests", "MlNetFineTune.Documents"));

        Assert.IsTrue(FirstExample().Match(printed) is { Success: true } line
            && double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture) > 0.7, printed);
        using var model = (IDisposable)new MLContext().Model.Load(folder.File("photos.zip"), out _);
    }

    [TestMethod]
    [DataRow("accuracy=0.86 f1=0.86\n", "accuracy=0.84 f1=0.89\n", true)]
    [DataRow("accuracy=0.86 f1=0.86\n", "accuracy=0.80 f1=0.86\n", false)]
    [DataRow("accuracy=0.86 f1=0.86\n", "accuracy=0.86\n", false)]
    [DataRow("accuracy=0.86\n", "precision=0.86\n", false)]
    public void OutputsAreAlikeWhenTheirNumbersAreClose(string expected, string actual, bool areAlike)
    {
        if (areAlike)
            AssertAlike(expected, actual);
        else
            Assert.ThrowsExactly<AssertFailedException>(() => AssertAlike(expected, actual));
    }

    private static void Write(string readme) => File.WriteAllText(Path.Combine(Repository.Root, "README.md"), readme);

    private static string ProgramIn(string folder, string project) => Path.Combine(
        Repository.Root, folder, project, "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", project + ".dll");

    // The line that says how good the model is; the rest are tables, paths and seconds.
    private static string Results(string output) =>
        output.ReplaceLineEndings("\n").Split('\n').Single(line => line.StartsWith("accuracy=", StringComparison.Ordinal)) + "\n";

    private static void AssertAlike(string expected, string actual)
    {
        var advice = $"README has\n{expected}and the sample prints\n{actual}Run this test with {Variable}=1 to write it.";
        Assert.AreEqual(Number().Replace(expected, "#"), Number().Replace(actual, "#"), advice);
        foreach (var (one, other) in Number().Matches(expected).Zip(Number().Matches(actual)))
        {
            Assert.AreEqual(
                double.Parse(one.Value, CultureInfo.InvariantCulture), double.Parse(other.Value, CultureInfo.InvariantCulture), Tolerance,
                advice);
        }
    }

    [GeneratedRegex(@"<!-- output (?<sample>\w+) -->\n```\n(?<lines>.*?)```\n<!-- end -->", RegexOptions.Singleline)]
    private static partial Regex Output();

    [GeneratedRegex(@"\d+\.\d+")]
    private static partial Regex Number();

    [GeneratedRegex(@"^accuracy (\d\.\d{3}), F1 \d\.\d{3}\r?$", RegexOptions.Multiline)]
    private static partial Regex FirstExample();
}
