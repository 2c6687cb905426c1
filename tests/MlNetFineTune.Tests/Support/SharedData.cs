namespace MlNetFineTune.Tests.Support;

/// <summary>Real photos, texts and weights, too large for the repository: a folder beside it, or the path in MLNETFINETUNE_DATA.</summary>
internal static class SharedData
{
    public const string Variable = "MLNETFINETUNE_DATA";

    public static string Root =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder
            ? folder
            : Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared"));

    /// <summary>The full path of a file or folder of the shared data. If it is missing, the test is skipped with a message.</summary>
    public static string RequireOrSkip(string relativePath)
    {
        var path = Path.Combine(Root, relativePath);
        if (!Path.Exists(path))
            Assert.Inconclusive($"There is no '{relativePath}' in '{Root}'. Set {Variable} to the folder that holds it.");
        return path;
    }
}
