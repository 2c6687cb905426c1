using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Limits of requests and concurrent uploads per address. Further requests are answered with 429 and Retry-After.</summary>
internal static class RateLimits
{
    public const string Uploads = "uploads";
    public const string SignIns = "sign-ins";

    // Passwords that one address can try in a minute.
    private const int SignInsPerMinute = 10;

    public static IServiceCollection AddRateLimits(this IServiceCollection services) => services
        .AddRateLimiter(_ => { })
        .AddSingleton<IConfigureOptions<RateLimiterOptions>>(
            provider => new ConfigureOptions<RateLimiterOptions>(
                limiter => Set(limiter, provider.GetRequiredService<IOptions<PhotoDeskOptions>>().Value)));

    private static void Set(RateLimiterOptions limiter, PhotoDeskOptions options)
    {
        limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => RateLimitPartition.GetTokenBucketLimiter(
            AddressOf(context),
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = 10 * options.RequestsPerSecond,
                TokensPerPeriod = options.RequestsPerSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            }));
        limiter.AddPolicy(Uploads, context => RateLimitPartition.GetConcurrencyLimiter(
            AddressOf(context), _ => new ConcurrencyLimiterOptions { PermitLimit = options.UploadsPerAddress, QueueLimit = 0 }));
        limiter.AddPolicy(SignIns, context => RateLimitPartition.GetFixedWindowLimiter(
            AddressOf(context),
            _ => new FixedWindowRateLimiterOptions { PermitLimit = SignInsPerMinute, Window = TimeSpan.FromMinutes(1) }));
        limiter.OnRejected = async (rejected, _) =>
        {
            var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var time) ? time : TimeSpan.FromSeconds(1);
            rejected.HttpContext.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds))
                .ToString(CultureInfo.InvariantCulture);
            await Problems.Answer(StatusCodes.Status429TooManyRequests, "Too many requests. Try again in a moment.")
                .ExecuteAsync(rejected.HttpContext);
        };
    }

    private static string AddressOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";
}
