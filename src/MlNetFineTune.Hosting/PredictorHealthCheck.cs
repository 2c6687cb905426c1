using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MlNetFineTune.Hosting;

/// <summary>
/// Healthy where the newest model serves, degraded where an earlier one does because the file at the watched path cannot be used, and
/// unhealthy (or the status of the registration) where none does.
/// </summary>
internal sealed class PredictorHealthCheck(PredictorState predictor) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (predictor.Model is not { } model)
            return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, $"{predictor.Name} serves no model."));
        var facts = new Dictionary<string, object>
        {
            ["modelPath"] = model.Path,
            ["modelSha256"] = model.Sha256,
            ["modelLoadedAt"] = model.LoadedAt.ToString("O", CultureInfo.InvariantCulture),
        };
        return Task.FromResult(predictor.Failure is { } failure
            ? HealthCheckResult.Degraded(
                $"{predictor.Name} serves an earlier model, because the newest file cannot be used: {failure.Message}", failure, facts)
            : HealthCheckResult.Healthy($"{predictor.Name} serves.", facts));
    }
}
