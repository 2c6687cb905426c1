namespace MlNetFineTune.Rows;

/// <summary>What an image column may be.</summary>
internal static class ImageColumnTypes
{
    public const string Expected = "String (a file's path) or Image (as LoadImages makes it)";

    /// <summary>The file that a row's text names; empty where it names none.</summary>
    public static string Resolve(ReadOnlyMemory<char> path, string? folder)
    {
        var text = path.ToString();
        return folder is null || text.Length == 0 ? text : Path.Combine(folder, text);
    }
}
