using MlNetFineTune.Tokenizers;
using MlNetFineTune.WeightSources;

namespace MlNetFineTune.Networks;

/// <summary>A text model in a repository of a model hub, with its tokenizer.</summary>
/// <param name="repository">The repository.</param>
internal sealed class HubText(HubRepository repository)
{
    // The pooling of sentence-transformers.
    public const string PoolingFile = "1_Pooling/config.json";

    private static readonly IReadOnlyList<string> s_otherFiles = [.. TokenizerFiles.Names, PoolingFile];

    /// <summary>The folder of the model in the cache; downloads what is missing.</summary>
    /// <param name="progress">Receives the progress; null for none.</param>
    /// <param name="cancellationToken">Cancels the download.</param>
    public async Task<LocalText> FetchAsync(
        IProgress<PretrainedWeights.DownloadProgress>? progress, CancellationToken cancellationToken) =>
        await repository.FetchAsync(
            FindLocal, OtherFiles,
            $"config.json, model.safetensors (or pytorch_model.bin) and tokenizer ({string.Join(", ", TokenizerFiles.Names)})",
            progress, cancellationToken).ConfigureAwait(false);

    /// <summary>The same without waiting on a thread that a synchronisation context may need.</summary>
    public LocalText FindOrFetch() => repository.FindLocal(FindLocal)
        ?? Task.Run(() => FetchAsync(progress: null, CancellationToken.None)).GetAwaiter().GetResult();

    private static LocalText? FindLocal(HubFolder folder) =>
        folder.FindWeights() is { } weights && TokenizerFiles.AreWhole(name => folder.File(name).IsThere())
            ? new LocalText(Path.GetDirectoryName(weights.FullPath)!, folder.OriginOf(weights))
            : null;

    private static IReadOnlyList<string> OtherFiles(byte[] config, string source)
    {
        TextConfig.Parse(config, source);
        return s_otherFiles;
    }
}

/// <summary>A text model on this machine.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Origin">The origin of the weights, for messages.</param>
internal sealed record LocalText(string Folder, string Origin);
