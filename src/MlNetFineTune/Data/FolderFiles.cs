using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>
/// The files below a folder, including subfolders and linked folders. Each folder is read once, so that cyclic or duplicate links do not
/// multiply its files.
/// </summary>
internal sealed class FolderFiles
{
    private readonly HashSet<string> _read = new(OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);
    private readonly Queue<DirectoryInfo> _links = [];
    private readonly List<string> _files = [];

    private FolderFiles()
    {
    }

    /// <returns>Full paths, with links not resolved, ordered by the path relative to the folder: the same order on every system, so that a
    /// seed gives the same split. Hidden files are left out.</returns>
    /// <param name="folder">The folder to search; may be a link.</param>
    /// <param name="root">The folder where the search began: links to it or to a folder above it are cyclic.</param>
    public static IReadOnlyList<string> Below(DirectoryInfo folder, string root)
    {
        var files = new FolderFiles();
        for (var above = RealPath(root); above is not null; above = Path.GetDirectoryName(above))
            files._read.Add(above);
        // Real folders come before linked ones.
        files._links.Enqueue(folder);
        while (files._links.TryDequeue(out var next))
            files.Walk(next, RealPath(next.FullName));
        return [
            .. files._files.OrderBy(file => Path.GetRelativePath(folder.FullName, file).Replace(Path.DirectorySeparatorChar, '/'),
                StringComparer.Ordinal)];
    }

    /// <summary>Whether an entry is hidden or created by an operating system: neither a photo nor a class.</summary>
    public static bool IsHidden(FileSystemInfo entry) => entry.Name.StartsWith('.') || entry.Name == "__MACOSX"
        || entry.Attributes.HasFlag(FileAttributes.Hidden);

    private void Walk(DirectoryInfo folder, string realPath)
    {
        if (!_read.Add(realPath))
            return;
        foreach (var entry in folder.EnumerateFileSystemInfos().Where(entry => !IsHidden(entry))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            if (entry is not DirectoryInfo below)
                _files.Add(entry.FullName);
            else if (below.LinkTarget is not null)
                _links.Enqueue(below);
            else
                Walk(below, Path.Combine(realPath, below.Name));
        }
    }

    // The final target of an existing folder; the path of a link's target may contain further links.
    private static string RealPath(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not { } parent)
            return full;
        var here = Path.Combine(RealPath(parent), Path.GetFileName(full));
        return Directory.Exists(here) && Directory.ResolveLinkTarget(here, returnFinalTarget: true) is { } target
            ? RealPath(target.FullName)
            : here;
    }
}
