using MlNetFineTune.WeightSources;

namespace MlNetFineTune;

/// <summary>
/// A source of pretrained weights: a file, an address, a repository of a model hub, or one of torchvision's published files. Downloads are
/// verified and kept in a <see cref="Cache"/>. Creating an instance opens no file and no connection.
/// </summary>
public abstract partial record PretrainedWeights
{
    private protected PretrainedWeights()
    {
    }

    /// <summary>A file on this machine: safetensors, PyTorch (.pth, .bin) or TorchSharp.</summary>
    /// <param name="path">Path of the file, absolute or relative to the current folder. It is opened when the weights are used.</param>
    public static PretrainedWeights FromFile(string path) => new FileWeights(path);

    /// <summary>A file on any web server.</summary>
    /// <param name="url">An <c>http</c> or <c>https</c> address. No access token is sent to it.</param>
    /// <param name="sha256">SHA-256 of the file, 64 hexadecimal digits. A file with another hash is deleted and not used.</param>
    /// <param name="cache">The cache to use; null for one with the default settings.</param>
    /// <exception cref="ArgumentException">The address or the hash is malformed.</exception>
    public static PretrainedWeights FromUrl(string url, string sha256, Cache? cache = null) =>
        PublishedWeights.AtAddress(url, sha256, cache ?? new Cache());

    /// <summary>
    /// A repository of the model hub in timm's or transformers' layout. Its <c>config.json</c> names the network and its
    /// preprocessing, which the backbone takes over. The weights are <c>model.safetensors</c>, else all shards of
    /// <c>model.safetensors.index.json</c>, else <c>pytorch_model.bin</c>.
    /// </summary>
    /// <param name="repository">Owner and name, such as <c>timm/resnet18.a1_in1k</c>.</param>
    /// <param name="revision">
    /// A branch, a tag or a commit; "main" by default. The commit of a branch or tag is recorded in the cache and used until
    /// <see cref="DownloadAsync"/> asks the hub again; a commit that is in the cache needs no connection.
    /// </param>
    /// <param name="cache">The cache to use; null for one with the default settings.</param>
    /// <exception cref="ArgumentException">The repository or the revision is malformed.</exception>
    public static PretrainedWeights FromHub(string repository, string revision = "main", Cache? cache = null) =>
        new HubWeights(repository, revision, cache ?? new Cache());

    /// <summary>A file that torchvision publishes. Its name contains the first digits of its SHA-256, which are verified.</summary>
    /// <param name="fileName">File name, such as <c>resnet18-f37072fd.pth</c>.</param>
    /// <param name="cache">The cache to use; null for one with the default settings.</param>
    /// <exception cref="ArgumentException">The name does not end with digits of a SHA-256.</exception>
    public static PretrainedWeights FromTorchvision(string fileName, Cache? cache = null) =>
        PublishedWeights.OfTorchvision(fileName, cache ?? new Cache());

    /// <summary>
    /// Downloads the weights unless they are in the cache. A branch or tag is resolved at the hub again; files in the cache
    /// are not fetched again. An interrupted download resumes where it stopped. Of several processes that need the same
    /// weights one downloads, and the others wait.
    /// </summary>
    /// <param name="progress">Receives the progress of each file, at most ten times a second; null for none.</param>
    /// <param name="cancellationToken">Cancels the download; the bytes received are kept for the next attempt.</param>
    /// <returns>The full path of the file, or of the index of the shards.</returns>
    /// <exception cref="HttpRequestException">The server cannot be reached or refuses, after several attempts.</exception>
    /// <exception cref="FileNotFoundException">The weights are not in the cache and <see cref="Cache.IsOffline"/> is set; the
    /// message names the file and the folder to place it in.</exception>
    /// <exception cref="InvalidDataException">The download is not what was requested: another SHA-256, another
    /// size, or a configuration that cannot be read.</exception>
    /// <exception cref="IOException">The cache cannot be written, or the disk is too full.</exception>
    public async Task<string> DownloadAsync(IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        (await FetchAsync(progress, cancellationToken).ConfigureAwait(false)).Path;

    /// <summary>Finds the weights in the cache, without a connection; null where something is missing.</summary>
    internal abstract LocalWeights? FindLocal();

    internal abstract Task<LocalWeights> FetchAsync(IProgress<DownloadProgress>? progress, CancellationToken cancellationToken);

    /// <summary>Finds the weights in the cache or downloads them, on a thread of the pool,
    /// so that a caller with a synchronisation context does not deadlock.</summary>
    internal LocalWeights FindOrFetch() => FindLocal() ?? Task.Run(() => FetchAsync(progress: null, CancellationToken.None)).GetAwaiter()
        .GetResult();
}
