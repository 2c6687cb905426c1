using MlNetFineTune.WeightSources;







namespace MlNetFineTune;

/// <summary>
/// Where pretrained weights come from: a file, an address, a repository of a model hub, or torchvision's published files. What is
/// downloaded is kept in a <see cref="Cache"/>, checked, and used from there. Making one of these opens no file and no connection.
/// </summary>
public abstract partial record PretrainedWeights
{
    private protected PretrainedWeights()
    {
    }

    /// <summary>A file of this machine.</summary>
    public static PretrainedWeights FromFile(string path) => new FileWeights(path);

    /// <summary>A file of any web server.</summary>
    /// <param name="url">An <c>http</c> or <c>https</c> address. No token is ever sent to it.</param>
    /// <param name="sha256">Of the file: 64 hexadecimal digits. A file with another one is never used.</param>
    /// <param name="cache">Where to keep it; null for the usual place.</param>
    public static PretrainedWeights FromUrl(string url, string sha256, Cache? cache = null) =>
        PublishedWeights.AtAddress(url, sha256, cache ?? new Cache());

    /// <summary>
    /// A repository of the model hub in timm's or transformers' layout. Its <c>config.json</c> says which network it is and how pictures
    /// are prepared, and
    /// becomes the backbone's recipe. Taken are <c>model.safetensors</c>, else all shards of <c>model.safetensors.index.json</c>, else
    /// <c>pytorch_model.bin</c>.
    /// </summary>
    /// <param name="repository">Such as <c>timm/resnet18.a1_in1k</c>.</param>
    /// <param name="revision">
    /// A branch, a tag or a commit. The commit that a branch or tag stood for is written down and used until <see cref="DownloadAsync"/>
    /// asks again; a commit that is in the cache needs no connection.
    /// </param>
    /// <param name="cache">Where to keep it; null for the usual place.</param>
    public static PretrainedWeights FromHub(string repository, string revision = "main", Cache? cache = null) =>
        new HubWeights(repository, revision, cache ?? new Cache());

    /// <summary>A file that torchvision publishes. The first digits of its SHA-256 are part of its name, and are checked.</summary>
    /// <param name="fileName">Such as <c>resnet18-f37072fd.pth</c>.</param>
    /// <param name="cache">Where to keep it; null for the usual place.</param>
    public static PretrainedWeights FromTorchvision(string fileName, Cache? cache = null) =>
        PublishedWeights.OfTorchvision(fileName, cache ?? new Cache());

    /// <summary>
    /// Makes sure that the weights are on this machine. Asks the hub what a branch or tag stands for now; all else that is in the cache is
    /// not fetched again. A download that was broken off goes on where it stopped; of several processes that want the same weights one
    /// downloads and the others wait.
    /// </summary>
    /// <param name="progress">Told about each file that is downloaded, ten times a second at most.</param>
    /// <param name="cancellationToken">Ends it; what has arrived is kept for the next attempt.</param>
    /// <returns>The full path of the file, or of the index of the shards.</returns>
    /// <exception cref="HttpRequestException">The server cannot be reached or refuses, after some attempts.</exception>
    /// <exception cref="FileNotFoundException">
    /// They are not in the cache and <see cref="Cache.IsOffline"/> is set; the message says which file to place where.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// What arrived is not what was asked for: another SHA-256, another size, a config that cannot be read.
    /// </exception>
    /// <exception cref="IOException">The cache cannot be written, or the disk is too full.</exception>
    public async Task<string> DownloadAsync(IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        (await FetchAsync(progress, cancellationToken).ConfigureAwait(false)).Path;

    /// <summary>From the cache, without any connection; null where something is missing.</summary>
    internal abstract LocalWeights? FindLocal();

    internal abstract Task<LocalWeights> FetchAsync(IProgress<DownloadProgress>? progress, CancellationToken cancellationToken);

    /// <summary>
    /// From the cache, else downloaded. On a thread of the pool, so that a caller with a synchronisation context cannot block itself.
    /// </summary>
    internal LocalWeights FindOrFetch() =>
        FindLocal() ?? Task.Run(() => FetchAsync(progress: null, CancellationToken.None)).GetAwaiter().GetResult();
}
