namespace Pretrain;

/// <summary>A new folder that is deleted when disposed.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pretrain-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
