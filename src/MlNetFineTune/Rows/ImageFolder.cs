namespace MlNetFineTune.Rows;

/// <summary>One picture of a folder-per-class tree.</summary>
internal sealed class FolderImage
{
    public required string Label { get; init; }

    public required string ImagePath { get; init; }
}

/// <summary>A tree of pictures with one folder a class.</summary>
internal static class ImageFolder
{
    private static readonly HashSet<string> s_extensions = new([".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp"], StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyList<FolderImage> Read(string path)
    {
        var root = Path.GetFullPath(path);
        if (!Directory.Exists(root))
            throw new DirectoryNotFoundException($"There is no folder '{root}'.");
        var classes = Directory.GetDirectories(root).Where(folder => !Path.GetFileName(folder).StartsWith('.'))
            .Select(folder => (Name: Path.GetFileName(folder), Files: ImagesIn(folder))).OrderBy(c => c.Name, StringComparer.Ordinal).ToList();
        var filled = classes.Where(c => c.Files.Count > 0).Select(c => c.Name).ToList();
        if (filled.Count < 2)
        {
            var found = filled.Count == 0 ? "no folder with pictures" : $"pictures in the folder '{filled[0]}' alone";
            var loose = ImagesIn(root, SearchOption.TopDirectoryOnly).Count;
            throw new InvalidDataException(
                $"'{root}' has {found}; training needs at least two classes, each a folder with pictures, such as '{Path.Combine(root, "cats", "1.jpg")}' and '{Path.Combine(root, "dogs", "2.jpg")}'."
                + (loose > 0 ? $" {loose} pictures lie beside the folders and belong to no class." : ""));
        }
        return [.. classes.SelectMany(c => c.Files.Select(file => new FolderImage { Label = c.Name, ImagePath = file }))];
    }

    // In the same order on every system, so that a seed means the same split. Hidden files are an operating system's or a tool's, not photos.
    private static List<string> ImagesIn(string folder, SearchOption depth = SearchOption.AllDirectories) =>
        [.. Directory.EnumerateFiles(folder, "*", depth)
            .Where(file => s_extensions.Contains(Path.GetExtension(file)))
            .Select(file => (File: file, Segments: Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar)))
            .Where(found => !found.Segments.Any(segment => segment.StartsWith('.')))
            .OrderBy(found => string.Join('/', found.Segments), StringComparer.Ordinal)
            .Select(found => found.File)];
}
