using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>Multiclass classification with a softmax.</summary>
internal sealed record MulticlassTask(ClassificationLoss Loss, ClassWeights ClassWeights, Calibration Calibration) : LearningTask
{
    public const string Kind = "Multiclass";

    internal override string Name => Kind;

    internal override string Catalog => nameof(MLContext.MulticlassClassification);

    internal override bool HasClassScores => true;

    internal override string? NeedsValidation => Calibration.NeedsValidation;

    internal override LearningTask WithoutValidation => this with { Calibration = Calibration.None };

    public override string ToString() => $"{Kind}(loss: {Loss}, classWeights: {ClassWeights}, calibration: {Calibration})";

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        ("ScoreColumnName", columns.Score), ("PredictedLabelColumnName", columns.PredictedLabel), .. StatusOf(columns),
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        KeyOf(context, schema, columns);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) => MulticlassColumns.Shapes(
        columns.Score, columns.PredictedLabel, columns.Status, schema.Single(column => column.Name == columns.Label));

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns)
    {
        var keys = LabelKeys.Of(schema[columns.Label]);
        ClassWeights.Check(keys.Names);
        return new BoundMulticlass(columns, keys, this, calibration: null);
    }
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="keys">The classes.</param>
/// <param name="options">Options of the training; null in a loaded model.</param>
/// <param name="calibration">Result of the calibration; null if the probabilities are not calibrated.</param>
internal sealed class BoundMulticlass(
    TaskColumns columns, LabelKeys keys, MulticlassTask? options, Calibration.Report? calibration) : BoundTask
{
    public override LabelSource Labels => new ClassLabels(columns.Label, keys);

    public override LabelKeys Keys => keys;

    public override ClassScores ClassScores => new ClassScores.OfKeys(keys);

    public override int Outputs => keys.Count;

    public override Objective Scoring => MulticlassObjective.OfScoring(keys.Count, calibration);

    public override ScoreColumns Columns => new MulticlassColumns(columns.Score, columns.PredictedLabel, columns.Status, keys);

    public override IReadOnlyList<Metric> Metrics => MulticlassSums.All;

    public override Calibration.Report? Calibration => calibration;

    public override bool FitsOnValidation => options is not null && options.Calibration.IsFitted;

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => new MulticlassObjective(
        keys.Count, options!.Loss, options.ClassWeights.Resolve(keys.Names, training.LabelsOf(training.Rows)), softTargets: softTargets);

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => FitsOnValidation
        ? new BoundMulticlass(columns, keys, options, Calibrator.Fit(options!.Calibration, outputs, labels, keys.Names, channel))
        : this;

    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun) =>
        ClassReport.Of(outputs, labels, Scoring, keys.Names, noun);

    public override TaskManifest Describe() => new MulticlassManifest(columns, keys.Names, calibration);

    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "") =>
        ClassOutputs.Write(graph, outputs, keys.Count, calibration, prefix);

    public override StockScorer ToStockScorer() => new StockScorer.OfClasses(columns, keys, calibration?.Temperature ?? 1);
}

/// <summary>The task in the manifest of a model file.</summary>
/// <param name="Columns">Names of the label and output columns.</param>
/// <param name="Classes">Names of the classes, in the order of the scores.</param>
/// <param name="Calibration">Result of the calibration; null if the probabilities are not calibrated.</param>
internal sealed record MulticlassManifest(TaskColumns Columns, IReadOnlyList<string> Classes, Calibration.Report? Calibration)
    : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        var known = RequireKeys(keys, MulticlassTask.Kind, Classes);
        Calibration?.CheckClasses(Classes);
        return new BoundMulticlass(Columns, known, options: null, Calibration);
    }
}
