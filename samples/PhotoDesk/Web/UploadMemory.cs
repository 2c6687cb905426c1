using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>
/// Counts the bytes of all uploads in memory, from reception to response, and rejects an upload that would exceed the limit.
/// </summary>
internal sealed class UploadMemory(IOptions<PhotoDeskOptions> options)
{
    private long _held;

    /// <summary>Bytes of all current uploads.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>Opens the share of one upload. The caller disposes it when the upload's bytes are no longer needed.</summary>
    public Share Open() => new(this);

    /// <summary>Bytes of one upload. For one thread at a time.</summary>
    internal sealed class Share(UploadMemory memory) : IDisposable
    {
        private long _mine;

        /// <exception cref="DeskBusyException">The limit would be exceeded.</exception>
        public void Add(int bytes)
        {
            _mine += bytes;
            if (Interlocked.Add(ref memory._held, bytes) > memory.Largest)
                throw new DeskBusyException();
        }

        public void GiveBack(int bytes)
        {
            _mine -= bytes;
            Interlocked.Add(ref memory._held, -bytes);
        }

        public void Dispose()
        {
            Interlocked.Add(ref memory._held, -_mine);
            _mine = 0;
        }
    }

    private long Largest => options.Value.LargestWaitingBytes;
}
