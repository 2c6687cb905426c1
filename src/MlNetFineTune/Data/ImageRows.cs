using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Pictures by index, in any order and from any thread: what a data view cannot do, and shuffling needs.</summary>
internal abstract class ImageRows : IDisposable
{
    public abstract int Count { get; }

    /// <summary>The file of a row, where there is one.</summary>
    public abstract string? PathOf(int row);

    /// <summary>Content hash, equal for equal pictures; null for a missing picture. Thread-safe.</summary>
    public virtual ContentHash? ContentOf(int row) => null;

    /// <summary>A cheap identity of a picture; different pictures may share it.</summary>
    public abstract void Identify(int row, IncrementalHash hash);

    /// <returns>Null, or why the picture cannot be used.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while it waited for memory.</exception>
    public abstract string? Encode(
        int row, ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default);

    public abstract void Dispose();
}
