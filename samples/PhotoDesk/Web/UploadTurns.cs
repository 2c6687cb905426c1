using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>
/// Limits the number of uploads processed at once. An upload waits for its turn after it was received completely, so that slow clients do
/// not block others.
/// </summary>
internal sealed class UploadTurns(IOptions<PhotoDeskOptions> options) : IDisposable
{
    private readonly ConcurrencyLimiter _turns = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = options.Value.ConcurrentUploads,
        QueueLimit = 4 * options.Value.ConcurrentUploads,
    });

    /// <summary>Waits for a turn. The caller disposes it.</summary>
    /// <exception cref="DeskBusyException">Too many uploads wait.</exception>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellation)
    {
        var turn = await _turns.AcquireAsync(1, cancellation);
        return turn.IsAcquired ? turn : throw new DeskBusyException();
    }

    public void Dispose() => _turns.Dispose();
}

/// <summary>More uploads than the desk takes at once.</summary>
internal sealed class DeskBusyException() : Exception("More uploads than are taken at once.");
