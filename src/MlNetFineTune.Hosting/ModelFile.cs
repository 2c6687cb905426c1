using System.Security.Cryptography;
using Microsoft.ML;

namespace MlNetFineTune.Hosting;

/// <summary>Reads a model's file without keeping others from replacing it meanwhile.</summary>
internal static class ModelFile
{
    /// <param name="ml">The context.</param>
    /// <param name="path">Full path of the file.</param>
    /// <param name="load">Reads the model; null for ML.NET's own reading.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="IOException">The file cannot be read, or is being written to.</exception>
    /// <exception cref="Exception">The file is no model.</exception>
    public static SharedModel Load(MLContext ml, string path, Func<MLContext, FileStream, ITransformer>? load, TimeProvider time)
    {
        // A file that is renamed into this place meanwhile is another one: this one is read to its end.
        using var file = Open(path);
        var before = StateOf(file);
        var sha256 = Convert.ToHexString(SHA256.HashData(file)).ToLowerInvariant();
        file.Position = 0;
        var model = load is null ? ml.Model.Load(file, out _) : load(ml, file);
        if (file.CanRead && StateOf(file) != before)
        {
            (model as IDisposable)?.Dispose();
            throw new IOException($"'{path}' was written to while it was read. Write a new file beside it and rename it into its place, as "
                + "ml.Model.SaveAtomically does.");
        }
        return new SharedModel(model, new HostedModel(path, sha256, time.GetUtcNow()));
    }

    /// <summary>Others can write, replace and delete the file meanwhile.</summary>
    public static FileStream Open(string path) => new(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete });

    private static (long Length, DateTime Written) StateOf(FileStream file) =>
        (file.Length, File.GetLastWriteTimeUtc(file.SafeFileHandle));
}
