using System.Globalization;
using Microsoft.Extensions.Options;

namespace MlNetFineTune.Hosting;

/// <summary>Checks the options of one predictor when the host starts, and names every fault.</summary>
internal sealed class HostedPredictorValidation<TIn>(PredictorName name) : IValidateOptions<HostedPredictorOptions<TIn>>
    where TIn : class
{
    private static readonly TimeSpan s_shortestInterval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestInterval = TimeSpan.FromDays(1);

    public ValidateOptionsResult Validate(string? optionsName, HostedPredictorOptions<TIn> options)
    {
        if (optionsName != name.Key)
            return ValidateOptionsResult.Skip;
        string[] faults = [.. Faults(options).Select(fault => $"{name}: {fault}")];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public static PredictorOptions BatchingOf(HostedPredictorOptions<TIn> options) => new()
    {
        MaxBatchSize = options.MaxBatchSize,
        MaxDelay = options.MaxDelay,
        QueueCapacity = options.QueueCapacity,
        Workers = options.Workers,
    };

    private static IEnumerable<string> Faults(HostedPredictorOptions<TIn> options)
    {
        if (options.ModelPath is not null && options.FindModel is not null)
            yield return "both ModelPath and FindModel are set: keep the one that says which model is served first.";
        if (options.FindModel is null && string.IsNullOrWhiteSpace(options.ModelPath))
            yield return "ModelPath is missing: set it to the path of the model's zip file, as \"ModelPath\": \"model.zip\" in the bound "
                + "section of the configuration.";
        if (options.WatchInterval < s_shortestInterval || options.WatchInterval > s_longestInterval)
            yield return Found(nameof(options.WatchInterval), options.WatchInterval,
                $"the interval must be from {s_shortestInterval} to {s_longestInterval}.");
        (string, object?, Action)[] batching =
        [
            (nameof(options.MaxBatchSize), options.MaxBatchSize, () => _ = new PredictorOptions { MaxBatchSize = options.MaxBatchSize }),
            (nameof(options.MaxDelay), options.MaxDelay, () => _ = new PredictorOptions { MaxDelay = options.MaxDelay }),
            (nameof(options.QueueCapacity), options.QueueCapacity,
                () => _ = new PredictorOptions { QueueCapacity = options.QueueCapacity }),
            (nameof(options.Workers), options.Workers, () => _ = new PredictorOptions { Workers = options.Workers }),
        ];
        foreach (var (option, value, set) in batching)
        {
            if (WhyNot(set) is { } reason)
                yield return Found(option, value, reason);
        }
    }

    // The predictor's options know their ranges.
    private static string? WhyNot(Action set)
    {
        try
        {
            set();
            return null;
        }
        catch (ArgumentOutOfRangeException e)
        {
            return e.Message.Split(" (Parameter")[0];
        }
    }

    private static string Found(string option, object? value, string expected) =>
        string.Create(CultureInfo.InvariantCulture, $"{option} is {value}: {expected}");
}
