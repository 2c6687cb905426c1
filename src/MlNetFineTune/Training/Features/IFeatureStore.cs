using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>Keeps what the frozen stages computed, under the hash of what they computed it from. Of one thread at a time.</summary>
internal interface IFeatureStore : IDisposable
{
    /// <summary>Null, or why so many more bytes cannot be kept.</summary>
    string? Refuse(long bytes);

    /// <summary>Whether the features are present and complete.</summary>
    bool Contains(ContentHash key);

    /// <summary>Does nothing if the key is here already.</summary>
    /// <exception cref="IOException">They could not be kept; nothing since the last <see cref="Complete"/> was.</exception>
    void Put(ContentHash key, ReadOnlySpan<byte> features);

    /// <summary>Makes what was put readable.</summary>
    /// <exception cref="IOException">They could not be kept; nothing since the last <see cref="Complete"/> was.</exception>
    void Complete();

    /// <summary>Of a key that is here. Valid until the store is disposed.</summary>
    ReadOnlySpan<byte> Get(ContentHash key);
}
