using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>Which of several processes see the same folder.</summary>
internal static class SharedFolder
{
    /// <summary>
    /// Whether no process with a lower number sees this folder, so that of those that share it one writes. Each puts a file there and looks
    /// for those of the others. Where a file system shows new files late, two processes may write the same, which only costs space.
    /// </summary>
    /// <param name="processes">The processes, all of which call this.</param>
    /// <param name="folder">The folder of this process.</param>
    /// <param name="extension">Extension of the file, which is deleted afterwards.</param>
    public static bool IsFirstIn(ProcessGroup processes, string folder, string extension)
    {
        var own = Guid.NewGuid();
        var path = PathOf(own);
        TryWrite(path);
        try
        {
            var all = processes.Gather(own.ToByteArray()); // every process has its file now
            var isFirst = !all.Take(processes.Rank).Any(other => File.Exists(PathOf(new Guid(other))));
            processes.Barrier(); // every process has looked
            return isFirst;
        }
        finally
        {
            KeyedFileWriter.TryDelete(path);
        }

        // Where nothing can be written, features can still be read.
        static void TryWrite(string path)
        {
            try
            {
                File.WriteAllBytes(path, []);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The others do not see this process there.
            }
        }

        string PathOf(Guid name) => Path.Combine(folder, name.ToString("N") + extension);
    }
}
