using System.Security.Cryptography;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.WeightSources;

/// <summary>
/// Retries after transient failures with exponential backoff: pauses of 1, 2, 4, 8 seconds, each shortened at random by up to half, so that
/// many clients do not retry at the same time ("equal jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter).
/// The Retry-After header of a server is followed, up to five minutes. The random numbers are independent of training.
/// </summary>
internal sealed class RetryPolicy(TimeProvider time)
{
    /// <summary>RetryPolicy in a row without progress, after which the download fails.</summary>
    public const int Most = 5;

    /// <summary>RetryPolicy in total, against a server that gives little progress each time.</summary>
    private const int MostInAll = 100;

    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(5);

    /// <param name="attempt">The download; throws <see cref="TransientFailure"/> where a retry may succeed.</param>
    /// <param name="gained">The number of bytes kept so far.</param>
    /// <param name="cancellationToken">Cancels attempts and pauses.</param>
    /// <exception cref="HttpRequestException">All attempts failed.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> attempt, Func<long> gained, CancellationToken cancellationToken)
    {
        var failures = 0;
        for (var inAll = 1; ; inAll++)
        {
            var before = gained();
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (TransientFailure failure)
            {
                failures = gained() > before ? 1 : failures + 1;
                if (failures >= Most || inAll >= MostInAll)
                    throw new HttpRequestException($"Given up after {inAll} attempts: {failure.Message}.", failure, failure.StatusCode);
                await Task.Delay(Pause(failure, failures), time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private TimeSpan Pause(TransientFailure failure, int failures)
    {
        var asked = failure.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ => TimeSpan.Zero,
        };
        if (asked > s_longestPause)
            throw new HttpRequestException(
                $"{failure.Message}, and asks us to come back in {asked.TotalMinutes:0} minutes. Try again then.", failure,
                failure.StatusCode);
        var jitter = RandomNumberGenerator.GetInt32(500, 1001) / 1000.0;
        var pause = TimeSpan.FromSeconds(Math.Pow(2, failures - 1) * jitter);
        return asked > pause ? asked : pause;
    }
}
