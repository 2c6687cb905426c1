using System.Text.RegularExpressions;

namespace MlNetFineTune.WeightSources;

/// <summary>One file of a web server whose SHA-256 is known beforehand: torchvision's, or anyone's.</summary>
internal sealed partial record PublishedWeights : PretrainedWeights
{
    private readonly PretrainedWeights.Cache _cache;
    private readonly Uri _address;
    private readonly Sha256Digits _sha256;
    private readonly string _folder;
    private readonly string _name;

    private PublishedWeights(PretrainedWeights.Cache cache, Uri address, Sha256Digits sha256, string folder, string name)
    {
        _cache = cache;
        _address = address;
        _sha256 = sha256;
        _folder = folder;
        _name = name;
    }

    private CachedFile File => new(_cache.Folder, [.. _folder.Split('/'), _name]);

    private string Origin => $"{_folder}/{_name}";

    public static PublishedWeights AtAddress(string url, string sha256, PretrainedWeights.Cache cache)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(url);
        ArgumentException.ThrowIfNullOrWhiteSpace(sha256);
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || address is not { Scheme: "http" or "https", UserInfo: "" })
            throw new ArgumentException($"The address of weights must begin with http:// or https:// and hold no user name, "
                + $"but is '{url}'.", nameof(url));
        var digits = Sha256Digits.TryParse(sha256)
            ?? throw new ArgumentException($"A SHA-256 has 64 hexadecimal digits, but '{sha256}' does not.", nameof(sha256));
        var last = Uri.UnescapeDataString(address.Segments[^1]);
        return new PublishedWeights(cache, address, digits, $"urls/{digits.Digits}", CacheName.IsSafe(last) ? last : "weights");
    }

    public static PublishedWeights OfTorchvision(string fileName, PretrainedWeights.Cache cache)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(fileName);
        return NameWithHash().Match(fileName) is { Success: true } match && CacheName.IsSafe(fileName)
            ? new PublishedWeights(cache, new Uri(cache.TorchvisionEndpoint, fileName), Sha256Digits.Beginning(match.Groups[1].Value),
                "torchvision", fileName)
            : throw new ArgumentException(
                $"'{fileName}' is not the name of a file of torchvision, which ends with the beginning of its SHA-256, "
                + "as resnet18-f37072fd.pth does.", nameof(fileName));
    }

    public override string ToString() => WeightServer.Show(_address);

    internal override LocalWeights? FindLocal() => File.IsThere(_sha256) ? new LocalWeights(File.FullPath, Origin) : null;

    internal override async Task<LocalWeights> FetchAsync(
        IProgress<PretrainedWeights.DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        if (FindLocal() is { } there)
            return there;
        if (_cache.IsOffline)
            throw new FileNotFoundException(
                $"Offline mode is on and the cache lacks '{_name}'. "
                + $"Place the file of {WeightServer.Show(_address)} (SHA-256 {_sha256}) at '{File.FullPath}'.", File.FullPath);

        using var held = await CacheLock.AcquireAsync(
            new CachedFile(_cache.Folder, "locks", $"{_folder.Replace('/', '-')}-{_name}"), cancellationToken).ConfigureAwait(false);
        if (!File.IsThere(_sha256)) // another process may have downloaded it meanwhile
            await new Download(new WeightServer(_cache, tokenOrigin: null), _address, File, _sha256, progress).RunAsync(cancellationToken)
                .ConfigureAwait(false);
        return new LocalWeights(File.FullPath, Origin);
    }

    [GeneratedRegex("-([0-9a-f]{8,64})\\.pth$", RegexOptions.CultureInvariant)]
    private static partial Regex NameWithHash();
}
