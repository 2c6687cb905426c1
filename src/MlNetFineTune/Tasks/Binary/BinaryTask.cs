using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Binary classification with one logit.</summary>
internal sealed record BinaryTask(ClassWeights ClassWeights, Calibration Calibration, DecisionThreshold Threshold) : LearningTask
{
    public const string Kind = "Binary";

    internal override string Name => Kind;

    internal override string Catalog => nameof(MLContext.BinaryClassification);

    internal override bool HasClassScores => true;

    internal override string? NeedsValidation => Calibration.NeedsValidation ?? Threshold.NeedsValidation;

    internal override LearningTask WithoutValidation =>
        this with { Calibration = Calibration.None, Threshold = Threshold.IsTuned ? DecisionThreshold.Default : Threshold };

    public override string ToString() => $"{Kind}(classWeights: {ClassWeights}, calibration: {Calibration}, threshold: {Threshold})";

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        ("ScoreColumnName", columns.Score), ("ProbabilityColumnName", columns.Probability),
        ("PredictedLabelColumnName", columns.PredictedLabel), .. StatusOf(columns),
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        LabelOf(context, schema, columns, "Boolean", label => label.ItemType is BooleanDataViewType);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) => BinaryColumns.Shapes(columns);

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns) =>
        new BoundBinary(columns, this, calibration: null, LogitOf(Threshold.Probability));

    /// <summary>The logit whose sigmoid is the probability.</summary>
    internal static float LogitOf(double probability) => (float)Math.Log(probability / (1 - probability));

    /// <summary>The sigmoid of a logit.</summary>
    internal static float ProbabilityOf(float logit) => 1 / (1 + MathF.Exp(-logit));
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="options">Options of the training; null in a loaded model.</param>
/// <param name="calibration">Result of the calibration; null if the probabilities are not calibrated.</param>
/// <param name="threshold">A row is predicted as positive if its score, the calibrated logit, is above this value. Finite.</param>
internal sealed class BoundBinary(TaskColumns columns, BinaryTask? options, Calibration.Report? calibration, float threshold) : BoundTask
{
    public override LabelSource Labels => new BooleanLabels(columns.Label);

    public override IReadOnlyList<string> ClassNames => BinaryObjective.Classes;

    public override ClassScores ClassScores => new ClassScores.OfLogit(threshold, calibration?.Temperature ?? 1);

    public override int Outputs => 1;

    public override Objective Scoring => new BinaryObjective(temperature: calibration?.Temperature ?? 1);

    public override ScoreColumns Columns => new BinaryColumns(columns, threshold);

    public override IReadOnlyList<Metric> Metrics => BinaryMetrics.All;

    public override Calibration.Report? Calibration => calibration;

    public override float? ScoreThreshold => threshold;

    public override bool FitsOnValidation => options is not null && (options.Calibration.IsFitted || options.Threshold.IsTuned);

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => new BinaryObjective(
        options!.ClassWeights.Resolve(BinaryObjective.Classes, training.LabelsOf(training.Rows)), threshold: threshold);

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel)
    {
        if (!FitsOnValidation)
            return this;
        var fitted = options!.Calibration.IsFitted
            ? Calibrator.Fit(options.Calibration, outputs, labels, ClassNames, channel)
            : null;
        var found = options.Threshold.IsTuned ? ThresholdOf(outputs, labels, fitted, channel) : threshold;
        return new BoundBinary(columns, options, fitted, found);
    }

    /// <summary>By how much the score is above the threshold, and below: for true, and for false.</summary>
    protected override Evidence Evidence => new(ClassNames, outputs =>
    {
        using var scope = NewDisposeScope();
        var above = Scoring.ScoresOf(outputs).Add(-threshold); // [N, 1]
        return cat([above.neg(), above], 1).MoveToOuterDisposeScope();
    });

    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun) =>
        BinaryReport.Of(outputs, labels, Scoring, threshold, noun);

    public override TaskManifest Describe() => new BinaryManifest(columns, calibration, threshold);

    /// <summary>The outputs <c>logit</c> (not calibrated) and <c>probability</c>: [N, 1].</summary>
    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "")
    {
        var logit = graph.Named(prefix + GraphOutput.Logit, outputs);
        var scaled = calibration is null
            ? outputs
            : graph.Product(outputs, graph.Scalar("inverse_temperature", 1 / calibration.Temperature));
        return [new(logit, 1), new(graph.Named(prefix + GraphOutput.Probability, graph.Add("Sigmoid", [scaled])), 1)];
    }

    public override StockScorer ToStockScorer() => new StockScorer.OfTwo(columns, calibration?.Temperature ?? 1, threshold);

    private float ThresholdOf(RowOutputs outputs, float[] labels, Calibration.Report? fitted, IChannel channel)
    {
        var criterion = options!.Threshold;
        var scores = ScoresOf(outputs, fitted);
        bool[] positive = [.. labels.Select(label => label > 0.5f)];
        if (ThresholdTuning.Of(criterion, scores, positive) is not { } tuned || !float.IsFinite(tuned.Threshold))
        {
            channel.Warning(
                $"The decision threshold stays at the probability 0.5: {criterion} chooses none by the {labels.Length} validation rows, of "
                + $"which {positive.Count(isPositive => isPositive)} are positive. "
                + "It needs rows of both kinds, and a target within their reach.");
            return threshold;
        }
        var (before, after) = (CountsAt(scores, positive, threshold), tuned.Counts);
        var probability = BinaryTask.ProbabilityOf(tuned.Threshold);
        channel.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"Decision threshold tuned by {criterion} on {labels.Length} validation rows: "
                + $"a probability above {probability:0.0000} is true. "
            + $"Precision {before.Precision:0.000} -> {after.Precision:0.000}, recall {before.Recall:0.000} -> {after.Recall:0.000}, "
            + $"F1 {before.F1:0.000} -> {after.F1:0.000}."));
        return tuned.Threshold;
    }

    private static float[] ScoresOf(RowOutputs outputs, Calibration.Report? calibration)
    {
        using var logits = outputs.ToTensor(); // [N, 1]
        using var scores = new BinaryObjective(temperature: calibration?.Temperature ?? 1).ScoresOf(logits);
        return [.. scores.data<float>()];
    }

    private static BinaryCounts CountsAt(float[] scores, bool[] positive, float threshold) => scores.Zip(positive).Aggregate(
        default(BinaryCounts), (counts, row) => counts.With(row.Second, isPredicted: row.First > threshold));
}

/// <summary>The task in the manifest of a model file.</summary>
/// <param name="Columns">Names of the label and output columns.</param>
/// <param name="Calibration">Result of the calibration; null if the probabilities are not calibrated.</param>
/// <param name="Threshold">
/// Threshold of the score, the calibrated logit, above which the predicted label is true. 0 if the file has none.
/// </param>
internal sealed record BinaryManifest(TaskColumns Columns, Calibration.Report? Calibration, float Threshold = 0) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        RequireNoKeys(keys, BinaryTask.Kind);
        Calibration?.CheckClasses(BinaryObjective.Classes);
        return float.IsFinite(Threshold)
            ? new BoundBinary(Columns, options: null, Calibration, Threshold)
            : throw new ArgumentException(FormattableString.Invariant($"its decision threshold is {Threshold}"));
    }
}
