namespace MlNetFineTune.WeightSources;

/// <summary>A file of this machine.</summary>
internal sealed record FileWeights : PretrainedWeights
{
    public FileWeights(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        FilePath = Path.GetFullPath(path);
    }

    public string FilePath { get; }

    public override string ToString() => FilePath;

    internal override LocalWeights FindLocal() =>
        File.Exists(FilePath) ? new LocalWeights(FilePath, Path.GetFileName(FilePath))
        : Directory.Exists(FilePath) ? throw new InvalidDataException(
            $"'{FilePath}' is a folder; give the file of weights in it, such as model.safetensors.")
        : throw new FileNotFoundException($"There is no weights file '{FilePath}'.", FilePath);

    internal override Task<LocalWeights> FetchAsync(
        IProgress<PretrainedWeights.DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(FindLocal());
    }
}
