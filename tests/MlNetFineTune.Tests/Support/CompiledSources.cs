using System.Text.RegularExpressions;

namespace MlNetFineTune.Tests.Support;

/// <summary>The lines of C# of projects, without indentation, and what a document may quote of them.</summary>
/// <param name="projects">Of each project its files, of each file its lines.</param>
internal sealed partial class CompiledSources(IEnumerable<IReadOnlyList<string[]>> projects)
{
    private readonly IReadOnlyList<ILookup<string, (string[] File, int Line)>> _projects = [.. projects.Select(files => files
        .SelectMany(file => file.Index().Select(line => (File: file, line.Index, line.Item)))
        .ToLookup(line => line.Item, line => (line.File, line.Index), StringComparer.Ordinal))];

    /// <summary>Those that the solution names.</summary>
    public static CompiledSources OfSolution() => new(
        Project().Matches(File.ReadAllText(Path.Combine(Repository.Root, "MlNetFineTune.sln")))
            .Select(match => Path.GetDirectoryName(Path.Combine(Repository.Root, match.Groups[1].Value.Replace('\\', '/')))!)
            .Select(folder => (IReadOnlyList<string[]>)[.. Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
                .Where(file => !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"))
                .Select(file => Lines(File.ReadAllText(file)))]));

    /// <summary>
    /// Whether one project has the code: each of its paragraphs line by line, whatever the indentation. Between paragraphs other code may
    /// stand, such as the rest of a class.
    /// </summary>
    public bool Have(string code)
    {
        var paragraphs = EmptyLines().Split(code.Trim('\n')).Select(Lines).ToList();
        return _projects.Any(project => paragraphs.All(
            paragraph => project[paragraph[0]].Any(at => at.File.AsSpan(at.Line).StartsWith(paragraph))));
    }

    private static string[] Lines(string text) => [.. text.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim())];

    [GeneratedRegex(@"""([^""]+\.csproj)""")]
    private static partial Regex Project();

    [GeneratedRegex(@"\n\s*\n")]
    private static partial Regex EmptyLines();
}
