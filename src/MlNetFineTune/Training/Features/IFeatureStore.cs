using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>Stores outputs of frozen stages by the hash of their inputs. For one thread at a time.</summary>
internal interface IFeatureStore : IDisposable
{
    /// <summary>
    /// Whether another process writes what is put here, which is then to be completed after that process has completed it.
    /// </summary>
    bool IsWrittenByOther => false;

    /// <summary>Null, or the reason why this number of additional bytes cannot be stored.</summary>
    string? Refuse(long bytes);

    /// <summary>Whether the features are present and complete.</summary>
    bool Contains(ContentHash key);

    /// <summary>Adds features; does nothing if the key is present.</summary>
    /// <exception cref="IOException">They could not be kept; nothing since the last <see cref="Complete"/> was.</exception>
    void Put(ContentHash key, ReadOnlySpan<byte> features);

    /// <summary>Makes added features outlive the process, where the store does.</summary>
    /// <exception cref="IOException">They could not be kept; nothing since the last <see cref="Complete"/> was.</exception>
    void Complete();

    /// <summary>
    /// Forgets what another process was expected to write, which it has not: the processes agree that storing failed.
    /// </summary>
    void Abandon()
    {
    }

    /// <summary>The features of a present key, completed or not. Valid until the store is disposed.</summary>
    /// <exception cref="IOException">They could not be read again; nothing since the last <see cref="Complete"/> was kept.</exception>
    ReadOnlySpan<byte> Get(ContentHash key);
}
