using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Counts the bytes of all uploads in memory, from the first that is received until the upload is answered, and ends where there
/// are too many.</summary>
internal sealed class UploadMemory(IOptions<PhotoDeskOptions> options)
{
    private long _held;

    /// <summary>By all uploads, now.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>For one upload. Caller disposes it when the upload's bytes are not needed any more.</summary>
    public Share Open() => new(this);

    /// <summary>What one upload holds. Of one thread at a time.</summary>
    internal sealed class Share(UploadMemory memory) : IDisposable
    {
        private long _mine;

        /// <exception cref="DeskBusyException">All uploads together would hold too much.</exception>
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
