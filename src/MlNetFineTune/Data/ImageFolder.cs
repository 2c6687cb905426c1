using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Data;

/// <summary>One picture of a folder-per-class tree.</summary>
internal sealed class FolderImage
{
    public required string Label { get; init; }

    public required string ImagePath { get; init; }
}

/// <summary>A tree of pictures with one folder per class.</summary>
internal static class ImageFolder
{
    private const int MostNamed = 20;

    // The file extensions of the formats that FileFormats reads.
    private static readonly HashSet<string> s_read = new(
        [".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp", ".png", ".apng", ".bmp", ".dib", ".gif", ".webp"],
        StringComparer.OrdinalIgnoreCase);

    // Photo formats that are not supported: they are reported, because skipping them silently would lose data.
    private static readonly HashSet<string> s_unread = new(
        [".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".svg", ".psd", ".ico", ".tga", ".pcx", ".pgm", ".ppm", ".pnm",
            ".exr", ".dcm", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw"],
        StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyList<FolderImage> Read(IHostEnvironment env, string path)
    {
        var root = Path.GetFullPath(path);
        if (!Directory.Exists(root))
            throw new DirectoryNotFoundException($"There is no folder '{root}'.");
        var classes = new DirectoryInfo(root).EnumerateDirectories().Where(folder => !FolderFiles.IsHidden(folder))
            .OrderBy(folder => folder.Name, StringComparer.Ordinal)
            .Select(folder => (folder.Name, Files: FolderFiles.Below(folder, root))).ToList();
        var loose = new DirectoryInfo(root).EnumerateFiles().Count(file => IsRead(file.Name) && !FolderFiles.IsHidden(file));
        var filled = classes.Where(c => c.Files.Any(IsRead)).Select(c => c.Name).ToList();
        if (filled.Count < 2)
        {
            var found = filled.Count == 0 ? "no folder with pictures" : $"pictures in the folder '{filled[0]}' alone";
            throw new InvalidDataException(
                $"'{root}' has {found}; training needs at least two classes, each a folder with pictures, "
                    + $"such as '{Path.Combine(root, "cats", "1.jpg")}' and '{Path.Combine(root, "dogs", "2.jpg")}'."
                + (loose > 0 ? $" {loose} pictures lie beside the folders and belong to no class." : ""));
        }
        // An error, as in torchvision: a class without pictures would otherwise be noticed only by its missing score.
        if (classes.Where(c => !c.Files.Any(IsRead)).Select(c => $"{SafeText.Quoted(c.Name)} ({WhatIsIn(c.Files)})")
            .ToList() is { Count: > 0 } empty)
        {
            throw new InvalidDataException(
                $"{empty.Count} of the {classes.Count} folders in '{root}' have no picture that can be read: "
                    + $"{string.Join(", ", empty.Take(MostNamed))}{(empty.Count > MostNamed ? ", ..." : "")}. "
                + "Each folder is a class: put pictures there (JPEG, PNG, GIF, BMP, WebP), or take the folder away, "
                + "or let its name begin with a full stop.");
        }
        Warn(env, root, loose, [.. classes.SelectMany(c => c.Files).Where(file => s_unread.Contains(Path.GetExtension(file)))]);
        return [.. classes.SelectMany(c => c.Files.Where(IsRead).Select(file => new FolderImage { Label = c.Name, ImagePath = file }))];
    }

    /// <summary>Whether the name of a file is that of a picture that can be read.</summary>
    public static bool IsRead(string file) => s_read.Contains(Path.GetExtension(file));

    private static string WhatIsIn(IReadOnlyList<string> files) =>
        files.Count == 0 ? "no files" : $"{files.Count} files: {Extensions(files)}";

    private static string Extensions(IEnumerable<string> files)
    {
        var counts = files.CountBy(file => Path.GetExtension(file).ToLowerInvariant()).OrderByDescending(count => count.Value)
            .ThenBy(count => count.Key, StringComparer.Ordinal).ToList();
        return string.Join(", ", counts.Take(5)
            .Select(count => $"{count.Value} {(count.Key.Length == 0 ? "without an ending" : SafeText.Of(count.Key, 20))}"))
            + (counts.Count > 5 ? ", ..." : "");
    }

    private static void Warn(IHostEnvironment env, string root, int loose, IReadOnlyList<string> unread)
    {
        if (loose == 0 && unread.Count == 0)
            return;
        using var channel = env.Register(nameof(ImageFolder)).Start("LoadImageFolder");
        if (unread.Count > 0)
            channel.Warning($"'{root}': {unread.Count} pictures of formats that cannot be read are left out ({Extensions(unread)}). "
                + "Convert them to JPEG or PNG.");
        if (loose > 0)
            channel.Warning($"'{root}': {loose} pictures lie beside the folders, belong to no class, and are left out.");
    }
}
