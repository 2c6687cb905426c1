using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>A file with a unique name in the folder of <c>MLContext.TempFilePath</c>, deleted when this is disposed.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public TemporaryFile(IHostEnvironment env, string extension)
    {
        var folder = Directory.CreateDirectory(Contexts.TemporaryFolder(env)).FullName;
        Path = System.IO.Path.Combine(folder, $"mlnetfinetune-{Guid.NewGuid():N}{extension}");
    }

    public string Path { get; }

    public void Dispose() => File.Delete(Path);
}
