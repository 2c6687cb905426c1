using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests;

/// <summary>No line of C# is longer than 140 characters: <c>max_line_length</c> of .editorconfig, which no compiler enforces.</summary>
[TestClass]
public sealed class LineLengthTests
{
    private const int Longest = 140;

    // Folders and files that are not wrapped yet.
    private static readonly string[] s_excluded =
    [
        "src/MlNetFineTune.Onnx/", "src/MlNetFineTune/Catalog/", "src/MlNetFineTune/Reporting/", "src/MlNetFineTune/Scoring/",
        "src/MlNetFineTune/Tasks/", "src/MlNetFineTune/Trainers/", "src/MlNetFineTune/Training/",
        "src/MlNetFineTune/Data/Augmentation/", "src/MlNetFineTune/Data/Labels/", "src/MlNetFineTune/Data/BadRowLog.cs",
        "src/MlNetFineTune/Data/BatchLoader.cs", "src/MlNetFineTune/Data/ImageSource.cs", "src/MlNetFineTune/Data/InputRows.cs",
        "src/MlNetFineTune/Data/ModuleInput", "src/MlNetFineTune/Data/NumberSource.cs", "src/MlNetFineTune/Data/Table",
        "src/MlNetFineTune/Data/TrainingRows.cs", "src/MlNetFineTune/Networks/BackboneManifest.cs",
        "src/MlNetFineTune/Networks/EarlierModel.cs", "src/MlNetFineTune/Networks/ImageClassifier.cs",
        "src/MlNetFineTune/Networks/Modules/ModuleNetwork.cs", "src/MlNetFineTune/Networks/TrainableNetwork.cs",
    ];

    [TestMethod]
    public void NoLineIsLongerThan140Characters()
    {
        var files = new[] { "src", "tests", "samples", "benchmarks", "tools" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Select(file => (Path: file, Name: Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')))
            .Where(file => !file.Name.Split('/').Any(part => part is "bin" or "obj"))
            .Where(file => !s_excluded.Any(excluded => file.Name.StartsWith(excluded, StringComparison.Ordinal))).ToList();

        var tooLong = files.SelectMany(file => File.ReadLines(file.Path).Index()
            .Where(line => line.Item.Length > Longest)
            .Select(line => $"{file.Name}:{line.Index + 1} has {line.Item.Length} characters")).ToList();

        Assert.IsNotEmpty(files);
        Assert.IsEmpty(tooLong, $"{tooLong.Count} lines are too long:\n{string.Join("\n", tooLong)}");
    }
}
