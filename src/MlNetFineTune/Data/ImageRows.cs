using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Pictures by index, with random access from any thread, which shuffling needs and a data view does not offer.</summary>
internal abstract class ImageRows : IDisposable
{
    public abstract int Count { get; }

    /// <summary>Path of the row's file; null if there is none.</summary>
    public abstract string? PathOf(int row);

    /// <summary>Whether the row has no picture, as opposed to an unreadable one.</summary>
    public virtual bool IsMissing(int row) => false;

    /// <summary>Content hash, equal for equal pictures; null for a missing picture. Thread-safe.</summary>
    public virtual ContentHash? ContentOf(int row) => null;

    /// <summary>Size and orientation of a picture; null if it is missing or its header cannot be read. Thread-safe.</summary>
    public virtual PictureHeader? HeaderOf(int row) => null;

    /// <summary>A cheap identity of a picture; different pictures may share it.</summary>
    public abstract void Identify(int row, IncrementalHash hash);

    /// <returns>Null, or the reason why the picture cannot be used.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public abstract string? Encode(
        int row, ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default);

    /// <summary>As <see cref="Encode"/>, by pictures that are shrunk once.</summary>
    public virtual string? EncodeShrunk(
        int row, ShrunkPictures shrunk, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default) => Encode(row, shrunk.Encoder, augmentation, random, output, cancellation);

    public abstract void Dispose();
}
