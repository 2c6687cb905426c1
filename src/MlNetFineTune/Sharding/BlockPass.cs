using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Sharding;

/// <summary>
/// What one pass over the data has seen. The cursor of the input reports here, which may be ahead of the scored rows and, where ML.NET
/// reads ahead, on another thread.
/// </summary>
/// <param name="verify">Receives the block and the sample of its first row, before any of its rows.</param>
/// <param name="cancellation">Ends the pass.</param>
internal sealed class BlockPass(Action<long, string> verify, CancellationToken cancellation) : IDisposable
{
    private readonly IncrementalHash _samples = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ConcurrentQueue<(long Block, string Sample)> _wanted = [];
    private long _dataRows;

    public CancellationToken Cancellation => cancellation;

    /// <summary>Number of rows of the data that have been read or passed over.</summary>
    public long DataRows => Interlocked.Read(ref _dataRows);

    /// <summary>Why the pass has failed, if the reason is one of its own; ML.NET wraps what is thrown on its threads.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    public void CountRow() => Interlocked.Increment(ref _dataRows);

    /// <param name="block">The block that begins.</param>
    /// <param name="sample">Sample of its first row.</param>
    /// <param name="isWanted">Whether its rows are scored.</param>
    public void Begin(long block, ContentHash sample, bool isWanted)
    {
        Span<byte> bytes = stackalloc byte[ContentHash.Size];
        sample.Write(bytes);
        _samples.AppendData(bytes);
        try
        {
            verify(block, sample.ToString());
        }
        catch (InvalidOperationException e)
        {
            Failure = ExceptionDispatchInfo.Capture(e);
            throw;
        }
        if (isWanted)
            _wanted.Enqueue((block, sample.ToString()));
    }

    /// <summary>The next block whose rows come out, each once, in order.</summary>
    public (long Block, string Sample) NextWanted() => _wanted.TryDequeue(out var next) ? next : throw new InvalidOperationException(
        "A transformer of the model adds rows, so that they cannot be assigned to shards.");

    /// <summary>Hash of the samples of all blocks. Called once, at the end of the pass.</summary>
    public string TakeSample() => ContentHash.Take(_samples).ToString();

    public void Dispose() => _samples.Dispose();
}
