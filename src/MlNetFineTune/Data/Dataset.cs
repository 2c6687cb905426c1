using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>What enters the network, row by row as bytes, in any order and from any thread: what a data view cannot do,
/// and shuffling needs.</summary>
internal abstract class Dataset : IDisposable
{
    public abstract int Count { get; }

    /// <summary>Bytes of a row.</summary>
    public abstract int Length { get; }

    /// <summary>What to call a row in messages: a picture, a row.</summary>
    public abstract string Noun { get; }

    /// <summary>The file of a row, where there is one.</summary>
    public virtual string? PathOf(int row) => null;

    /// <summary>Whether the row names no picture at all.</summary>
    public virtual bool IsMissing(int row) => false;

    /// <summary>Bytes of what stands beside the part that flows through the network.</summary>
    public virtual int BesideLength => 0;

    /// <summary>Encodes what stands beside alone.</summary>
    /// <param name="row">Its index.</param>
    /// <param name="output"><see cref="BesideLength"/> bytes.</param>
    /// <param name="columnsAlone">Whether what only the first part can tell may stay as it is.</param>
    /// <returns>Null, or why the row cannot be used; then the output says nothing.</returns>
    public virtual string? EncodeBeside(int row, Span<byte> output, bool columnsAlone = false) => null;

    /// <summary>For the log; null where nothing is to be said.</summary>
    public virtual string? DescribeStorage() => null;

    /// <summary>Equal for rows that are encoded alike under the same random numbers;
    /// null where that is not known, or the row cannot be read. Safe on many threads.</summary>
    public virtual ContentHash? ContentOf(int row) => null;

    /// <summary>Tells a row from another as far as that is cheap: here by its bytes, which lie in memory.</summary>
    public virtual void Identify(int row, IncrementalHash hash)
    {
        var bytes = new byte[Length];
        Encode(row, Augmentation.None, new CountedRandom(0, RandomStream.Augmentation, epoch: 0, row), bytes);
        hash.AppendData(bytes);
    }

    /// <returns>Null, or why the row cannot be used.</returns>
    /// <exception cref="OperationCanceledException">It was given up while it waited for memory.</exception>
    public abstract string? Encode(
        int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default);

    public abstract void Dispose();
}
