using System.Security.Cryptography;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

/// <summary>
/// Evaluating the finished model on the validation rows reuses the evaluation of the best epoch, without decoding and scoring again.
/// </summary>
[TestClass]
public sealed class OneEvaluationPassTests
{
    private const int Judges = 9;

    // Unsure pictures on purpose: two epochs.
    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with
    {
        Task = LearningTask.Multiclass(calibration: Calibration.Temperature(0.6f)),
        Epochs = 2,
        Validation = ValidationData.Fraction(0.5f)
    };

    [TestMethod]
    public void CalibrationAndReportDecodeNoValidationRow()
    {
        using var folder = new Folder();
        var (report, decoded) = Run(s_options with { RunFolder = folder.File("run") });

        Assert.AreEqual(2 * Judges, decoded, "once in each epoch's validation");
        Assert.AreEqual(Judges, report.Calibration!.Rows);
        Assert.AreEqual(report.Epochs[report.BestEpoch - 1].ValidationLoss!.Value, report.Calibration.LossBefore, 1e-6);
        StringAssert.Contains(File.ReadAllText(folder.File("run/report.html")), "Confusion on the validation rows");

        var (_, once) = Run(s_options with { RunFolder = folder.File("again"), Strategy = Strategy.HeadOnly });
        Assert.AreEqual(Judges, once, "kept features: once in the whole training");
        var (averaged, more) = Run(s_options with
        {
            RunFolder = folder.File("averaged"),
            WeightAveraging = WeightAveraging.BestCheckpoints(2)
        });
        Assert.AreEqual(3 * Judges, more, "the average is judged as well");
        Assert.AreEqual(averaged.Averaged?.ValidationLoss ?? averaged.Epochs[averaged.BestEpoch - 1].ValidationLoss!.Value,
            averaged.Calibration!.LossBefore, 1e-6, "by those weights that the model has");
    }

    [TestMethod]
    public void AFinishedTrainingThatIsTakenFromItsCheckpointJudgesNothingAgain()
    {
        using var folder = new Folder();
        var options = s_options with
        {
            RunFolder = folder.File("run"),
            Checkpoint = TrainingCheckpoint.EveryEpochs(folder.File("checkpoint")),
        };
        var (first, _) = Run(options);
        var page = File.ReadAllText(folder.File("run/report.html"));

        var (second, decoded) = Run(options);

        Assert.AreEqual(0, decoded);
        Assert.AreEqual(first.Calibration! with { RejectThresholds = second.Calibration!.RejectThresholds }, second.Calibration);
        Assert.AreEqual(Confusion(page), Confusion(File.ReadAllText(folder.File("run/report.html"))));

        static string Confusion(string page) =>
            page[page.IndexOf("Confusion on", StringComparison.Ordinal)..page.IndexOf("To do the same again", StringComparison.Ordinal)];
    }

    [TestMethod]
    public void WhoHasNotSeenTheEvaluationScoresTheRowsOnceForAll()
    {
        using var folder = new Folder();
        var plain = s_options with
        {
            Checkpoint = TrainingCheckpoint.EveryEpochs(folder.File("checkpoint")),
            Task = LearningTask.Multiclass(calibration: Calibration.None)
        };
        var (trained, _) = Run(plain);

        var (report, decoded) = Run(plain with { RunFolder = folder.File("run") });

        Assert.AreEqual(Judges, decoded);
        Assert.AreEqual(trained.BestEpoch, report.BestEpoch);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var (stopped, rows) = Run(s_options with { RunFolder = folder.File("stopped"), StopToken = stop.Token });
        Assert.AreEqual((0, Judges), (stopped.BestEpoch, rows), "the page shows what the untrained network says");
    }

    /// <summary>As <c>FineTuningTrainer.Fit</c>, on rows that count.</summary>
    private static (TrainingReport Report, int Decoded) Run(ImageFineTuningOptions options)
    {
        var ml = new MLContext();
        var view = SmallTraining.WithKeys(ml, SmallPictures.View(ml, SmallPictures.Take(6)));
        using var fit = new FitScope(ml, "test", "test", options.Seed);
        using var folder = RunFolder.Open(options, [], fit.Channel);
        options = options with { Observer = folder };
        var keys = LabelKeys.Of(view.Schema["Label"]);
        var read = TrainingData.Read(fit.Host, fit.Channel, view, options, new ImageInput(options.ImageColumn,
            new ImageEncoder(options.Backbone.Preprocessing)), new ClassLabels("Label", keys), fit.Seed);
        var rows = new CountedRows(read.Training.Source.Inputs, [.. read.Validation.Rows]);
        var source = new LabeledData(rows, read.Training.Source.Labels, read.Training.Source.Ordinals, groups: null, withoutLabel: 0);
        using var data = new TrainingData(source, read.Training.Rows, new RowSubset(source, read.Validation.Rows));
        using var network = ImageNetwork.Create(options.Backbone, keys.Count, fit.Seed);
        var task = options.TaskInForce.Bind(view.Schema, options.Columns);
        var rules = options.Strategy.Resolve(network.Name, network.Stages, options.Epochs);
        var run = Trained.Run(network, new MulticlassObjective(keys.Count), rules, data, options, fit, keepsOutputs: task.FitsOnValidation);
        using var session = new TrainingSession(run);
        var report = session.Run();
        network.PrepareForScoring();
        if (task.FitsOnValidation)
            task = task.Fit(session.Outputs.Value, data.Validation.LabelsOf(session.Outputs.Value.Rows), fit.Channel);
        report = report with { Calibration = task.Calibration };
        RunReport.Write(folder, run, task, session.Outputs, report);
        return (report, rows.Decoded);
    }

    private sealed class CountedRows(Dataset inner, HashSet<int> counted) : Dataset
    {
        private int _decoded;

        public int Decoded => _decoded;

        public override int Count => inner.Count;

        public override int Length => inner.Length;

        public override string Noun => inner.Noun;

        public override string? PathOf(int row) => inner.PathOf(row);

        public override ContentHash? ContentOf(int row) => inner.ContentOf(row);

        public override void Identify(int row, IncrementalHash hash) => inner.Identify(row, hash);

        public override string? Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancel)
        {
            if (counted.Contains(row))
                Interlocked.Increment(ref _decoded);
            return inner.Encode(row, augmentation, random, output, cancel);
        }

        public override void Dispose() => inner.Dispose();
    }
}
