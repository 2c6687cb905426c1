using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>
/// What one pass over the data has seen. The cursor of the input, which may be ahead of the scored rows, reports here.
/// </summary>
/// <param name="verify">Receives the block and the sample of its first row, before any of its rows.</param>
/// <param name="cancellation">Ends the pass.</param>
internal sealed class BlockPass(Action<long, string> verify, CancellationToken cancellation) : IDisposable
{
    private readonly IncrementalHash _samples = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Queue<(long Block, string Sample)> _wanted = [];

    public CancellationToken Cancellation => cancellation;

    /// <summary>Number of rows of the data that have been read or passed over.</summary>
    public long DataRows { get; private set; }

    public void CountRow() => DataRows++;

    /// <param name="block">The block that begins.</param>
    /// <param name="sample">Sample of its first row.</param>
    /// <param name="isWanted">Whether its rows are scored.</param>
    public void Begin(long block, ContentHash sample, bool isWanted)
    {
        Span<byte> bytes = stackalloc byte[ContentHash.Size];
        sample.Write(bytes);
        _samples.AppendData(bytes);
        verify(block, sample.ToString());
        if (isWanted)
            _wanted.Enqueue((block, sample.ToString()));
    }

    /// <summary>The next block whose rows come out, each once, in order.</summary>
    public (long Block, string Sample) NextWanted() => _wanted.Dequeue();

    /// <summary>Hash of the samples of all blocks. Called once, at the end of the pass.</summary>
    public string TakeSample() => ContentHash.Take(_samples).ToString();

    public void Dispose() => _samples.Dispose();
}
