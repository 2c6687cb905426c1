using System.Globalization;
using Microsoft.ML.Runtime;
using MlNetFineTune.Training;

namespace MlNetFineTune.Reporting;

/// <summary>
/// Reports a training to <see cref="FineTuningOptions.Mlflow"/>. The training thread only puts values into a queue; a failure costs
/// one warning in the log during the training, and one at its end if not all was sent.
/// </summary>
internal sealed class MlflowRun : ITrainingObserver, IDisposable
{
    private readonly FineTuningOptions _options;
    private readonly MlflowTracking _tracking;
    private readonly IChannel _channel;
    private readonly TimeProvider _clock;
    private readonly MlflowSender _sender;
    private bool _warned;
    private bool _ended;

    private MlflowRun(FineTuningOptions options, MlflowTracking tracking, long seed, IChannel channel, TimeProvider clock)
    {
        (_options, _tracking, _channel, _clock) = (options, tracking, channel, clock);
        _sender = new MlflowSender(tracking, MlflowBeginning.Of(tracking, options, seed, Now), clock);
    }

    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <param name="options">Options with the server.</param>
    /// <param name="seed">The seed in force.</param>
    /// <param name="channel">Channel for the warnings.</param>
    /// <param name="clock">Clock for times and pauses.</param>
    /// <returns>Null if none is configured.</returns>
    public static MlflowRun? Open(FineTuningOptions options, long seed, IChannel channel, TimeProvider? clock = null) =>
        options.Mlflow is { } tracking ? new MlflowRun(options, tracking, seed, channel, clock ?? TimeProvider.System) : null;

    public void AfterStep(int step, int rows, double loss, double learningRate)
    {
        Add(step, (EpochScalars.StepLoss, loss), (EpochScalars.StepLearningRate, learningRate));
        if (_warned || _sender.Failure is not { } failure)
            return;
        _warned = true;
        var rest = failure.IsTransient
            ? $"Values wait until it answers, {MlflowSender.QueueCapacity} at most"
            : "Nothing more is sent there";
        Warn($"{failure.Message} {rest}; the training is not affected.");
    }

    public void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step) => Add(step, EpochScalars.Of(epochs[^1]));

    /// <summary>The training has a model.</summary>
    public void Complete(TrainingReport report)
    {
        Dictionary<string, string> tags = new()
        {
            ["mlnetfinetune.end"] = report.End.ToString(),
            ["mlnetfinetune.best_epoch"] = Number(report.BestEpoch),
            ["mlnetfinetune.training_rows"] = Number(report.TrainingRows),
            ["mlnetfinetune.validation_rows"] = Number(report.ValidationRows),
            ["mlnetfinetune.trained_parameters"] = Number(report.TrainedParameters),
            ["mlnetfinetune.frozen_parameters"] = Number(report.FrozenParameters),
        };
        string[] files = _options.RunFolder is { } folder
            ? [.. ((string[])["report.html", "history.csv", "history.json"]).Select(name => Path.Combine(folder, name))]
            : [];
        End("FINISHED", tags, files, _tracking.FinishTimeout);

        static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>A training without a model has failed, or was cancelled.</summary>
    public void Dispose()
    {
        if (!_ended)
            End(_options.CancellationToken.IsCancellationRequested ? "KILLED" : "FAILED", new Dictionary<string, string>(), [],
                _tracking.FinishTimeout < _tracking.AbandonTimeout ? _tracking.FinishTimeout : _tracking.AbandonTimeout);
        _sender.Dispose();
    }

    private void End(string state, IReadOnlyDictionary<string, string> tags, IReadOnlyList<string> files, TimeSpan limit)
    {
        _ended = true;
        var isSent = _sender.Close(new MlflowEnding(state, Now, tags, files), limit);
        if (!isSent)
            Warn(_sender.Failure is { } failure
                ? $"{failure.Message} Not all was sent; the training is not affected."
                : FormattableString.Invariant(
                    $"{_tracking.Server}: not all was sent within {limit.TotalSeconds:0.###} s after the training."));
        else if (_sender.Dropped > 0)
            Warn(FormattableString.Invariant($"{_tracking.Server} took too long: {_sender.Dropped} values were left out."));
        else
            _channel.Info($"MLflow: run {_sender.RunId} of {_tracking}"
                + $"{(_sender.KeepsArtifactsElsewhere && files.Count > 0 ? "; its artifacts are not taken by the server" : "")}.");
    }

    // Values that are no numbers cannot be sent as JSON.
    private void Add(int step, params ReadOnlySpan<(string Tag, double Value)> scalars)
    {
        foreach (var (tag, value) in scalars)
        {
            if (double.IsFinite(value))
                _sender.Add(new MlflowMetric(MlflowText.Key(tag), value, Now, step));
        }
    }

    private void Warn(string message) => _channel.Warning($"MLflow: {message}");
}
