using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// The network's inputs as encoded rows, with random access from any thread, which shuffling needs and a data view does not offer.
/// </summary>
internal abstract class Dataset : IDisposable
{
    public abstract int Count { get; }

    /// <summary>Bytes of a row.</summary>
    public abstract int Length { get; }

    /// <summary>Noun for a row in messages: picture or row.</summary>
    public abstract string Noun { get; }

    /// <summary>Path of the row's file; null if there is none.</summary>
    public virtual string? PathOf(int row) => null;

    /// <summary>The beginning of the row's text, for the report; null if rows are not texts or the texts are not kept.</summary>
    public virtual string? TextOf(int row) => null;

    /// <summary>
    /// Number of steps of the row's sequence, if batches should have rows of similar length; null if all rows cost the same.
    /// </summary>
    public virtual int? StepsOf(int row) => null;

    /// <summary>Number of windows in which the row's text is read.</summary>
    public virtual int WindowsOf(int row) => 1;

    /// <summary>The whole text that holds the answer of the row; null if the task seeks none.</summary>
    public virtual string? ContextOf(int row) => null;

    /// <summary>Whether the row has no picture, as opposed to an unreadable one.</summary>
    public virtual bool IsMissing(int row) => false;

    /// <summary>Bytes of the parts beside the one that flows through the network.</summary>
    public virtual int BesideLength => 0;

    /// <summary>Encodes only the parts beside the one that flows through the network.</summary>
    /// <param name="row">Index of the row.</param>
    /// <param name="output"><see cref="BesideLength"/> bytes.</param>
    /// <param name="columnsAlone">True leaves bytes unset that depend on the first part.</param>
    /// <returns>Null, or the reason why the row cannot be used; the output is then undefined.</returns>
    public virtual string? EncodeBeside(int row, Span<byte> output, bool columnsAlone = false) => null;

    /// <summary>A message for the log, or null.</summary>
    public virtual string? DescribeStorage() => null;

    /// <summary>
    /// A hash that is equal for rows whose encoding is equal for the same random numbers; null if it is unknown or the row cannot be read.
    /// Thread-safe.
    /// </summary>
    public virtual ContentHash? ContentOf(int row) => null;

    /// <summary>Appends a cheap identity of a row to a hash: here its bytes, which are in memory.</summary>
    public virtual void Identify(int row, IncrementalHash hash)
    {
        var bytes = new byte[Length];
        Encode(row, Augmentation.None, new CountedRandom(0, RandomStream.Augmentation, epoch: 0, row), bytes);
        hash.AppendData(bytes);
    }

    /// <summary>
    /// What augmented rows are made from, if it is not the row itself: they are then other rows, with other keys in a cache. Otherwise
    /// empty.
    /// </summary>
    public virtual string AugmentedFrom => "";

    /// <summary>
    /// Called before a training that augments rows: opens what augmented rows are kept in, so that its errors end the training at its
    /// start.
    /// </summary>
    /// <exception cref="IOException">It cannot be used.</exception>
    public virtual void OpenForAugmentation()
    {
    }

    /// <summary>Called before and after a pass over rows, on one thread, while no row of the pass is being encoded.</summary>
    public virtual void AroundPass()
    {
    }

    /// <returns>Null, or the reason why the row cannot be used.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public abstract string? Encode(
        int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default);

    public abstract void Dispose();
}
