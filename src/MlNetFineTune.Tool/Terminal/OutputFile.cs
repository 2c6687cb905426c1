using System.CommandLine.Parsing;

namespace MlNetFineTune.Tool;

/// <summary>Files that are written at the end of long work, looked at before it.</summary>
internal static class OutputFile
{
    /// <summary>Adds an error where two arguments name the same file; capitals are no difference on some systems.</summary>
    /// <param name="result">The parsed command.</param>
    /// <param name="files">Names of the arguments, and their files; null for those that are not given.</param>
    public static void RefuseOneForTwo(CommandResult result, params ReadOnlySpan<(string Name, FileInfo? File)> files)
    {
        for (int i = 1; i < files.Length; i++)
        {
            foreach ((string name, FileInfo? file) in files[..i])
            {
                if (file is not null && file.FullName.Equals(files[i].File?.FullName, StringComparison.OrdinalIgnoreCase))
                    result.AddError($"{files[i].Name} and {name} are one file, '{file.FullName}': name another one.");
            }
        }
    }

    /// <summary>Finds out whether a file can be written, without touching one that exists.</summary>
    /// <param name="path">Path of the file; null for none.</param>
    /// <exception cref="IOException">There is no such folder, it cannot be written to, or the path is a folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void RequireWritable(string? path)
    {
        if (path is null)
            return;
        string full = Path.GetFullPath(path), folder = Path.GetDirectoryName(full) ?? full;
        if (Directory.Exists(full))
            throw new IOException($"'{full}' is a folder; the name of a file is needed.");
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder '{folder}' for '{Path.GetFileName(full)}'.");
        string beside = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        try
        {
            new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnauthorizedAccessException($"The folder '{folder}' for '{Path.GetFileName(full)}' cannot be written to.", e);
        }
    }
}
