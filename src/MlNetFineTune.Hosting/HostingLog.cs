using Microsoft.Extensions.Logging;

namespace MlNetFineTune.Hosting;

/// <summary>Messages of hosted predictors.</summary>
internal static partial class HostingLog
{
    public const string Category = "MlNetFineTune.Hosting";

    [LoggerMessage(1, LogLevel.Information, "{Predictor} serves {Model}.")]
    public static partial void Serves(ILogger log, PredictorName predictor, HostedModel model);

    [LoggerMessage(2, LogLevel.Error, "{Predictor}: the new file at {Path} was not put into service, and the earlier model serves on.")]
    public static partial void Keeps(ILogger log, Exception reason, PredictorName predictor, string path);

    [LoggerMessage(3, LogLevel.Warning, "{Predictor}: there is no file at {Path} any more. The model that was read serves on.")]
    public static partial void IsGone(ILogger log, PredictorName predictor, string path);
}
