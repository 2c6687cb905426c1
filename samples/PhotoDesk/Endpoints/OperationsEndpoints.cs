using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace PhotoDesk;

/// <summary>Operations: health and metrics.</summary>
internal static class OperationsEndpoints
{
    public static void MapOperations(this IEndpointRouteBuilder app)
    {
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = WriteAsync }).DisableRateLimiting();
        app.MapGet("/metrics", (MetricsPage page) => Results.Text(page.Write(), "text/plain; version=0.0.4; charset=utf-8"))
            .DisableRateLimiting();
    }

    private static Task WriteAsync(HttpContext context, HealthReport report) => report.Status == HealthStatus.Healthy
        ? context.Response.WriteAsJsonAsync(new { status = "ok", modelId = report.Entries[DeskHealth.Name].Data["modelId"] })
        : Problems.Answer(StatusCodes.Status503ServiceUnavailable, "The database or the model does not answer.").ExecuteAsync(context);
}

/// <summary>Healthy if the database responds and a model is served.</summary>
internal sealed class DeskHealth(Database database, ServedModel served) : IHealthCheck
{
    public const string Name = "desk";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        using var connection = database.Open();
        connection.Scalar<long>("SELECT count(*) FROM models");
        return Task.FromResult(HealthCheckResult.Healthy(data: new Dictionary<string, object> { ["modelId"] = served.Id }));
    }
}
