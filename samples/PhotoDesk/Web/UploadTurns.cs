using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>How many uploads are worked on at once. An upload takes its turn when it is here whole: who sends slowly holds nobody
/// up.</summary>
internal sealed class UploadTurns(IOptions<PhotoDeskOptions> options) : IDisposable
{
    private readonly ConcurrencyLimiter _turns = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = options.Value.ConcurrentUploads,
        QueueLimit = 4 * options.Value.ConcurrentUploads,
    });

    /// <summary>Waits for a turn. Caller disposes it.</summary>
    /// <exception cref="DeskBusyException">Too many wait.</exception>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellation)
    {
        var turn = await _turns.AcquireAsync(1, cancellation);
        return turn.IsAcquired ? turn : throw new DeskBusyException();
    }

    public void Dispose() => _turns.Dispose();
}

/// <summary>More uploads than the desk takes at once.</summary>
internal sealed class DeskBusyException() : Exception("More uploads than are taken at once.");
