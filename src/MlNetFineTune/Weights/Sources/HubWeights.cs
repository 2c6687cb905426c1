using System.Net;
using System.Text;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// A repository of a model hub. In the cache it is a folder with one folder for each commit, and <c>refs</c>, which records the commit of
/// each branch or tag when it was last resolved.
/// </summary>
internal sealed record HubWeights : PretrainedWeights
{
    private readonly PretrainedWeights.Cache _cache;

    public HubWeights(string repository, string revision, PretrainedWeights.Cache cache)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(repository);
        ArgumentException.ThrowIfNullOrWhiteSpace(revision);
        Repository = repository.Split('/') is { Length: 1 or 2 } parts && parts.All(CacheName.IsSafe)
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

    public string Repository { get; }

    public string Revision { get; }

    private bool IsCommit => HubFolder.IsCommit(Revision);

    public override string ToString() => $"{Repository}@{Revision}";

    internal override LocalWeights? FindLocal()
    {
        // A folder that someone made by hand is named by the revision.
        var recorded = IsCommit ? null : ReadRef();
        return (recorded is null ? null : Folder(recorded).FindLocal()) ?? Folder(Revision).FindLocal();
    }

    internal override async Task<LocalWeights> FetchAsync(
        IProgress<PretrainedWeights.DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if ((IsCommit || _cache.IsOffline) && FindLocal() is { } there)
            return there;
        if (_cache.IsOffline)
        {
            var wanted = Folder(Revision).File("model.safetensors").FullPath;
            throw new FileNotFoundException(
                $"Offline mode is on and the cache lacks {this}. Place the repository's config.json (with transformers' "
                + "preprocessor_config.json, if it has one) and model.safetensors (or pytorch_model.bin) in "
                + $"'{Path.GetDirectoryName(wanted)}', or copy a whole cache to '{_cache.Folder}'.", wanted);
        }

        var server = new WeightServer(_cache, _cache.HubEndpoint);
        var (config, commit) = await FetchConfigAsync(server, cancellationToken).ConfigureAwait(false);
        var folder = Folder(commit);
        using (await CacheLock.AcquireAsync(
            new CachedFile(_cache.Folder, "locks", $"{Repository.Replace('/', '-')}-{commit}"), cancellationToken).ConfigureAwait(false))
        {
            var parsed = HubConfig.Parse(config, $"{Repository}@{commit}/{HubConfig.FileName}"); // before the large files
            if (parsed.ModelType is not null)
                await FetchProcessorAsync(server, folder, commit, cancellationToken).ConfigureAwait(false);
            folder.File(HubConfig.FileName).Write(config);
            if (folder.FindLocal() is null) // another process may have downloaded it meanwhile
                await FetchWeightsAsync(server, folder, commit, progress, cancellationToken).ConfigureAwait(false);
            if (!IsCommit)
                RefFile.Write(Encoding.ASCII.GetBytes(commit + "\n"));
        }
        return folder.FindLocal() ?? throw new InvalidDataException(
            $"{this} was downloaded, but is not whole in '{folder.File(HubConfig.FileName).FullPath}'. Something else changes the cache.");
    }

    private CachedFile RefFile => new(_cache.Folder, ["hub", .. Repository.Split('/'), "refs", CacheName.Escape(Revision)]);

    private HubFolder Folder(string revision) => new(_cache, Repository, revision);

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
        new(_cache.HubEndpoint, $"{Repository}/resolve/{Uri.EscapeDataString(revision)}/{file}");

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

    // How pictures are prepared; repositories of bare networks may have none.
    private async Task FetchProcessorAsync(WeightServer server, HubFolder folder, string commit, CancellationToken cancellationToken)
    {
        try
        {
            var address = AddressOf(commit, TransformersConfig.ProcessorFileName);
            var (processor, _) = await SmallFile.GetAsync(server, address, HubConfig.MaximumBytes, cancellationToken).ConfigureAwait(false);
            folder.File(TransformersConfig.ProcessorFileName).Write(processor);
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
            var source = $"{Repository}@{commit}/{HubFolder.Index}";
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
                $"{Repository}@{commit} has none of {HubFolder.SafeTensors}, {HubFolder.Index} and {HubFolder.PyTorch}.");

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
