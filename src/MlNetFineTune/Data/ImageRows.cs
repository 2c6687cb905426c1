using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Pictures by index, in any order and from any thread: what a data view cannot do, and shuffling needs.</summary>
internal abstract class ImageRows : IDisposable
{
    public abstract int Count { get; }

    /// <summary>The file of a row, where there is one.</summary>
    public abstract string? PathOf(int row);

    /// <summary>Whether the row names no picture at all.</summary>
    public virtual bool IsMissing(int row) => false;

    /// <summary>Equal for equal pictures; null where there is none. Safe on many threads.</summary>
    public virtual ContentHash? ContentOf(int row) => null;

    /// <summary>Tells a picture from another as far as that is cheap.</summary>
    public abstract void Identify(int row, IncrementalHash hash);

    /// <returns>Null, or why the picture cannot be used.</returns>
    /// <exception cref="OperationCanceledException">It was given up while it waited for memory.</exception>
    public abstract string? Encode(int row, ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default);

    public abstract void Dispose();
}
