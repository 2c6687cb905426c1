namespace MlNetFineTune.Tests.Support;

internal static class Repository
{
    /// <summary>The folder of the solution, found upward from the tests' output folder.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MlNetFineTune.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds MlNetFineTune.sln.");
    }
}
