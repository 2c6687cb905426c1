using Microsoft.AspNetCore.Routing;

namespace PhotoDesk;

/// <summary>Counts requests by route and status, and stores the last durations of each route.</summary>
internal sealed class RequestMetrics(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, RouteMetrics> _routes = new(StringComparer.Ordinal);

    public async Task MeasureAsync(HttpContext context, RequestDelegate next)
    {
        var start = time.GetTimestamp();
        var route = RouteOf(context); // before the exception handler clears it
        try
        {
            await next(context);
        }
        finally
        {
            // Event streams are excluded: they last as long as the client is connected.
            var streams = context.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true;
            Add(route, context.Response.StatusCode, streams ? null : time.GetElapsedTime(start).TotalSeconds);
        }
    }

    /// <summary>Current summaries of all routes.</summary>
    public IReadOnlyList<RouteSummary> Summaries()
    {
        lock (_lock)
            return [.. _routes.Select(route => route.Value.Summary(route.Key))];
    }

    private void Add(string route, int status, double? seconds)
    {
        lock (_lock)
        {
            if (!_routes.TryGetValue(route, out var metrics))
                _routes[route] = metrics = new RouteMetrics();
            metrics.Add(status, seconds);
        }
    }

    // The route pattern instead of the path bounds the number of routes.
    private static string RouteOf(HttpContext context) => context.GetEndpoint() is RouteEndpoint endpoint
        ? $"{context.Request.Method} {endpoint.RoutePattern.RawText?.TrimEnd('/')}"
        : "other";

    private sealed class RouteMetrics
    {
        private const int Kept = 1024;
        private readonly double[] _last = new double[Kept];
        private readonly SortedDictionary<int, long> _byStatus = [];
        private long _measured;
        private double _seconds;

        public void Add(int status, double? seconds)
        {
            _byStatus[status] = _byStatus.GetValueOrDefault(status) + 1;
            if (seconds is not { } duration)
                return;
            _last[_measured++ % Kept] = duration;
            _seconds += duration;
        }

        public RouteSummary Summary(string route)
        {
            var sorted = _last.AsSpan(0, (int)Math.Min(_measured, Kept)).ToArray();
            Array.Sort(sorted);
            return new RouteSummary(route, new SortedDictionary<int, long>(_byStatus), _measured, _seconds, q => Quantiles.Of(sorted, q));
        }
    }
}

internal sealed record RouteSummary(
    string Route, IReadOnlyDictionary<int, long> ByStatus, long Measured, double Seconds, Func<double, double> Quantile);

internal static class Quantiles
{
    /// <summary>
    /// Nearest-rank quantile: the smallest value that a fraction <paramref name="q"/> of all values do not exceed. NaN for no values.
    /// </summary>
    public static double Of(ReadOnlySpan<double> sorted, double q) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Clamp((int)Math.Ceiling(q * sorted.Length) - 1, 0, sorted.Length - 1)];
}
