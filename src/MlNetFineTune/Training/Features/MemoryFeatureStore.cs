using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>Features in memory, during a phase of a training.</summary>
internal sealed class MemoryFeatureStore(int megabytes) : IFeatureStore
{
    private readonly Dictionary<ContentHash, byte[]> _features = [];
    private long _bytesLeft = megabytes * (1L << 20);

    public string? Refuse(long bytes) => bytes <= _bytesLeft ? null
        : FormattableString.Invariant(
            $"{_bytesLeft / 1048576.0:0.0} MiB are left of FeatureCache.InMemory({megabytes}); FeatureCache.InFolder keeps them on a disk");

    public bool Contains(ContentHash key) => _features.ContainsKey(key);

    public void Put(ContentHash key, ReadOnlySpan<byte> features)
    {
        if (_features.TryAdd(key, features.ToArray()))
            _bytesLeft -= features.Length;
    }

    public void Complete()
    {
    }

    public ReadOnlySpan<byte> Get(ContentHash key) => _features[key];

    public void Dispose()
    {
    }
}
