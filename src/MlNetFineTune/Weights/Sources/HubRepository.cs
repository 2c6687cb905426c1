using System.Net;
using System.Text;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// A repository of a model hub. In the cache it is a folder with one folder for each commit, and <c>refs</c>, which records the commit of
/// each branch or tag when it was last resolved.
/// </summary>
internal sealed record HubRepository
{
    private readonly PretrainedWeights.Cache _cache;

    /// <exception cref="ArgumentException">The repository or the revision is malformed.</exception>
    public HubRepository(string repository, string revision, PretrainedWeights.Cache cache)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(repository);
        ArgumentException.ThrowIfNullOrWhiteSpace(revision);
        Name = repository.Split('/') is { Length: 1 or 2 } parts && parts.All(CacheName.IsSafe)
            ? repository
            : throw new ArgumentException(
                $"A repository is named by its owner and its name, as in timm/resnet18.a1_in1k, but this is '{repository}'.",
                nameof(repository));
        // Nearly the names that git allows (git help check-ref-format).
        Revision = revision.Length <= 100 && !revision.Contains("..", StringComparison.Ordinal) && revision[0] is not ('.' or '/' or '-')
            && revision[^1] is not ('.' or '/')
            && !revision.Any(c => char.IsControl(c) || c is ' ' or '\\' or '~' or '^' or ':' or '?' or '*' or '[')
            ? revision
            : throw new ArgumentException($"A revision is a branch, a tag or a commit, but this is '{revision}'.", nameof(revision));
        _cache = cache;
    }

    public string Name { get; }

    public string Revision { get; }

    public override string ToString() => $"{Name}@{Revision}";

    /// <summary>Finds the files in the cache, without a connection.</summary>
    /// <param name="find">Finds them in the folder of a commit; null where something is missing.</param>
    public T? FindLocal<T>(Func<HubFolder, T?> find)
        where T : class
    {
        // A folder that someone made by hand is named by the revision.
        var recorded = IsCommit ? null : ReadRef();
        return (recorded is null ? null : find(Folder(recorded))) ?? find(Folder(Revision));
    }

    /// <summary>Downloads the files that are not in the cache.</summary>
    /// <param name="find">As in <see cref="FindLocal"/>.</param>
    /// <param name="otherFiles">
    /// From the content of <c>config.json</c> and its name for messages to the small files that the repository may have beside it. Throws
    /// before anything large is downloaded if the model is not supported.
    /// </param>
    /// <param name="offlineFiles">The files to place in the cache by hand, for the message.</param>
    /// <param name="progress">Receives the progress; null for none.</param>
    /// <param name="cancellationToken">Cancels the download.</param>
    public async Task<T> FetchAsync<T>(
        Func<HubFolder, T?> find, Func<byte[], string, IReadOnlyList<string>> otherFiles, string offlineFiles,
        IProgress<PretrainedWeights.DownloadProgress>? progress, CancellationToken cancellationToken)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        if ((IsCommit || _cache.IsOffline) && FindLocal(find) is { } there)
            return there;
        if (_cache.IsOffline)
        {
            var wanted = Folder(Revision).File(HubFolder.SafeTensors).FullPath;
            throw new FileNotFoundException(
                $"Offline mode is on and the cache lacks {this}. Place the repository's {offlineFiles} in "
                + $"'{Path.GetDirectoryName(wanted)}', or copy a whole cache to '{_cache.Folder}'.", wanted);
        }

        var server = new WeightServer(_cache, _cache.HubEndpoint);
        var (config, commit) = await FetchConfigAsync(server, cancellationToken).ConfigureAwait(false);
        var folder = Folder(commit);
        using (await CacheLock.AcquireAsync(
            new CachedFile(_cache.Folder, "locks", $"{Name.Replace('/', '-')}-{commit}"), cancellationToken).ConfigureAwait(false))
        {
            foreach (var name in otherFiles(config, $"{Name}@{commit}/{HubConfig.FileName}")) // before the large files
                await FetchSmallAsync(server, folder, commit, name, cancellationToken).ConfigureAwait(false);
            folder.File(HubConfig.FileName).Write(config);
            if (find(folder) is null) // another process may have downloaded it meanwhile
                await FetchWeightsAsync(server, folder, commit, progress, cancellationToken).ConfigureAwait(false);
            if (!IsCommit)
                RefFile.Write(Encoding.ASCII.GetBytes(commit + "\n"));
        }
        return find(folder) ?? throw new InvalidDataException(
            $"{this} was downloaded, but is not whole in '{Path.GetDirectoryName(folder.File(HubConfig.FileName).FullPath)}': expected "
            + $"{offlineFiles}. The repository lacks one of them, or something else changes the cache.");
    }

    private bool IsCommit => HubFolder.IsCommit(Revision);

    private CachedFile RefFile => new(_cache.Folder, ["hub", .. Name.Split('/'), "refs", CacheName.Escape(Revision)]);

    private HubFolder Folder(string revision) => new(_cache, Name, revision);

    private string? ReadRef()
    {
        try
        {
            return File.ReadAllText(RefFile.FullPath).Trim() is var commit && HubFolder.IsCommit(commit) ? commit : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private Uri AddressOf(string revision, string file) =>
        new(_cache.HubEndpoint, $"{Name}/resolve/{Uri.EscapeDataString(revision)}/{file}");

    private async Task<(byte[] Config, string Commit)> FetchConfigAsync(WeightServer server, CancellationToken cancellationToken)
    {
        var address = AddressOf(Revision, HubConfig.FileName);
        var (config, hub) = await SmallFile.GetAsync(server, address, HubConfig.MaximumBytes, cancellationToken).ConfigureAwait(false);
        if (hub.Commit is not { } commit || !HubFolder.IsCommit(commit))
            throw new InvalidDataException(
                $"{WeightServer.Show(address)} does not say of which commit it is (X-Repo-Commit: {SafeText.Of(hub.Commit ?? "none")}). "
                + $"Is '{_cache.HubEndpoint}' the address of a model hub?");
        if (IsCommit && commit != Revision)
            throw new InvalidDataException($"{WeightServer.Show(address)} is of commit {SafeText.Of(commit)}; expected {Revision}.");
        return (config, commit);
    }

    private async Task FetchSmallAsync(
        WeightServer server, HubFolder folder, string commit, string name, CancellationToken cancellationToken)
    {
        if (folder.File(name).IsThere())
            return; // a commit never changes
        try
        {
            var (content, _) = await SmallFile.GetAsync(
                server, AddressOf(commit, name), HubFolder.MaximumSmallBytes, cancellationToken).ConfigureAwait(false);
            folder.File(name).Write(content);
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
        }
    }

    private async Task FetchWeightsAsync(
        WeightServer server, HubFolder folder, string commit, IProgress<PretrainedWeights.DownloadProgress>? progress,
        CancellationToken cancellationToken)
    {
        if (await TryDownloadAsync(HubFolder.SafeTensors).ConfigureAwait(false))
            return;
        try
        {
            var source = $"{Name}@{commit}/{HubFolder.Index}";
            var (index, _) = await SmallFile.GetAsync(
                server, AddressOf(commit, HubFolder.Index), ShardNames.MaximumIndexBytes, cancellationToken).ConfigureAwait(false);
            foreach (var shard in ShardNames.Parse(index, source))
            {
                if (!folder.File(shard).IsThere() && !await TryDownloadAsync(shard).ConfigureAwait(false))
                    throw new InvalidDataException($"'{source}' lists {SafeText.Quoted(shard)}, but the hub has no such file.");
            }
            folder.File(HubFolder.Index).Write(index);
            return;
        }
        catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
        }
        if (!await TryDownloadAsync(HubFolder.PyTorch).ConfigureAwait(false))
            throw new InvalidDataException(
                $"{Name}@{commit} has none of {HubFolder.SafeTensors}, {HubFolder.Index} and {HubFolder.PyTorch}.");

        async Task<bool> TryDownloadAsync(string name)
        {
            try
            {
                await new Download(server, AddressOf(commit, name), folder.File(name), expected: null, progress).RunAsync(cancellationToken)
                    .ConfigureAwait(false);
                return true;
            }
            catch (HttpRequestException e) when (e.StatusCode == HttpStatusCode.NotFound)
            {
                return false;
            }
        }
    }
}
