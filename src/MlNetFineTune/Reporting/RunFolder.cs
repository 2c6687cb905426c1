using System.Text;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune.Reporting;

/// <summary>
/// Writes the training's records into <see cref="FineTuningOptions.RunFolder"/>: the history and TensorBoard events during the training,
/// the report at its end. An I/O error, for example a full disk, ends the recording with a warning, but not the training.
/// </summary>
internal sealed class RunFolder : ITrainingObserver, IDisposable
{
    private readonly string _path;
    private readonly IChannel _channel;
    private readonly EventFile _events;
    private readonly List<RunStep> _steps = [];
    private double _stepsPerEpoch = double.NaN;
    private bool _failed;

    private RunFolder(string path, IChannel channel, TimeProvider clock)
    {
        (_path, _channel) = (path, channel);
        _events = EventFile.Create(path, clock);
    }

    /// <summary>The steps of this process, with their positions in epochs.</summary>
    public IEnumerable<RunStep> Steps => _steps.Select(step => step with { Epoch = step.Step / _stepsPerEpoch });

    /// <param name="options">Options with the path of the folder.</param>
    /// <param name="metrics">Metrics of the epochs.</param>
    /// <param name="channel">Channel for warnings.</param>
    /// <param name="clock">Clock for the times of events.</param>
    /// <returns>Null if none is configured.</returns>
    /// <exception cref="IOException">The folder cannot be created or written to.</exception>
    /// <exception cref="InvalidOperationException">Two metrics would have the same name in the files.</exception>
    public static RunFolder? Open(
        FineTuningOptions options, IReadOnlyList<Metric> metrics, IChannel channel, TimeProvider? clock = null)
    {
        if (options.RunFolder is not { } path)
            return null;
        MetricNames.RequireDifferent(metrics);
        try
        {
            return new RunFolder(Directory.CreateDirectory(path).FullName, channel, clock ?? TimeProvider.System);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"RunFolder '{path}' cannot be written to: {e.Message}", e);
        }
    }

    public void AfterStep(int step, int rows, double loss, double learningRate)
    {
        _steps.Add(new RunStep(step, 0, loss, learningRate));
        Try(() => _events.AddScalars(step, (EpochScalars.StepLoss, loss), (EpochScalars.StepLearningRate, learningRate)));
    }

    public void AfterEpoch(IReadOnlyList<TrainingReport.EpochReport> epochs, int step)
    {
        _stepsPerEpoch = step / (double)epochs.Count;
        Try(() => HistoryFiles.Write(_path, epochs));
        var scalars = EpochScalars.Of(epochs[^1]);
        Try(() => _events.AddScalars(step, scalars));
    }

    /// <summary>Writes the page, and the history again: a training that another process completed has no history here yet.</summary>
    public void WriteReport(RunRecord record)
    {
        Try(() => HistoryFiles.Write(_path, record.Report.Epochs));
        Try(
            () => AtomicFile.Write(Path.Combine(_path, "report.html"),
                stream => stream.Write(Encoding.UTF8.GetBytes(ReportPage.Of(record)))));
    }

    private void Try(Action write)
    {
        if (_failed)
            return;
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _failed = true;
            _channel.Warning($"RunFolder '{_path}': {e.Message} Nothing more is written there; the training goes on.");
        }
    }

    public void Dispose() => _events.Dispose();
}

/// <summary>A step of the training.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Epoch">Epochs completed after the step, with fraction; NaN until the first epoch is complete.</param>
/// <param name="Loss">Mean loss of the step's rows.</param>
/// <param name="LearningRate">Learning rate of the head.</param>
internal readonly record struct RunStep(int Step, double Epoch, double Loss, double LearningRate);
