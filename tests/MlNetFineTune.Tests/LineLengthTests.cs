using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests;

/// <summary>No line of C# is longer than 140 characters: <c>max_line_length</c> of .editorconfig, which no compiler enforces.</summary>
[TestClass]
public sealed class LineLengthTests
{
    private const int Longest = 140;

    [TestMethod]
    public void NoLineIsLongerThan140Characters()
    {
        var files = new[] { "src", "tests", "samples", "benchmarks", "tools" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .Select(file => (Path: file, Name: Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')))
            .Where(file => !file.Name.Split('/').Any(part => part is "bin" or "obj")).ToList();

        var tooLong = files.SelectMany(file => File.ReadLines(file.Path).Index()
            .Where(line => line.Item.Length > Longest)
            .Select(line => $"{file.Name}:{line.Index + 1} has {line.Item.Length} characters")).ToList();

        Assert.IsNotEmpty(files);
        Assert.IsEmpty(tooLong, $"{tooLong.Count} lines are too long:\n{string.Join("\n", tooLong)}");
    }
}
