using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>One of several classes: softmax over a logit for each.</summary>
internal sealed record MulticlassTask(ClassificationLoss Loss, ClassWeights ClassWeights, Calibration Calibration) : LearningTask
{
    public const string Kind = "Multiclass";

    private const string Expected = "Key (Conversion.MapValueToKey makes one)";

    internal override string Name => Kind;

    internal override string Catalog => nameof(MLContext.MulticlassClassification);

    internal override string? NeedsValidation => Calibration.NeedsValidation;

    internal override LearningTask WithoutValidation => this with { Calibration = Calibration.None };

    public override string ToString() => $"{Kind}(loss: {Loss}, classWeights: {ClassWeights}, calibration: {Calibration})";

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        ("ScoreColumnName", columns.Score), ("PredictedLabelColumnName", columns.PredictedLabel),
        .. columns.Status is { } status ? [("ImageStatusColumnName", status)] : ((string, string)[])[],
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        LabelOf(context, schema, columns, Expected, label => label.IsKey);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) => MulticlassColumns.Shapes(
        columns.Score, columns.PredictedLabel, columns.Status, schema.Single(column => column.Name == columns.Label));

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns)
    {
        var keys = LabelKeys.Of(schema[columns.Label]);
        ClassWeights.Check(keys.Names);
        return new BoundMulticlass(columns, keys, this, calibration: null);
    }
}

/// <param name="columns">Their names.</param>
/// <param name="keys">The classes.</param>
/// <param name="options">What trains; null in a model that was loaded.</param>
/// <param name="calibration">Null where the probabilities are as the network gives them.</param>
internal sealed class BoundMulticlass(TaskColumns columns, LabelKeys keys, MulticlassTask? options, Calibration.Report? calibration) : BoundTask
{
    public override LabelSource Labels => new ClassLabels(columns.Label, keys);

    public override LabelKeys Keys => keys;

    public override int Outputs => keys.Count;

    public override Objective Scoring => MulticlassObjective.OfScoring(keys.Count, calibration);

    public override ScoreColumns Columns => new MulticlassColumns(columns.Score, columns.PredictedLabel, columns.Status, keys);

    public override IReadOnlyList<Metric> Metrics => [Metric.Accuracy];

    public override Calibration.Report? Calibration => calibration;

    public override bool FitsOnValidation => options is not null && options.Calibration.IsFitted;

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => new MulticlassObjective(
        keys.Count, options!.Loss, options.ClassWeights.Resolve(keys.Names, training.LabelsOf(training.Rows)), softTargets: softTargets);

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => FitsOnValidation
        ? new BoundMulticlass(columns, keys, options, Calibrator.Fit(options!.Calibration, outputs, labels, keys.Names, channel))
        : this;

    public override TaskManifest Describe() => new MulticlassManifest(columns, keys.Names, calibration);
}

/// <summary>As the model file has it.</summary>
/// <param name="Columns">Their names.</param>
/// <param name="Classes">Names, in the order of the scores.</param>
/// <param name="Calibration">Of the probabilities, where they are calibrated.</param>
internal sealed record MulticlassManifest(TaskColumns Columns, IReadOnlyList<string> Classes, Calibration.Report? Calibration) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        if (keys is null)
            throw new ArgumentException($"its task is {MulticlassTask.Kind}, without classes");
        if (!Classes.SequenceEqual(keys.Names, StringComparer.Ordinal) && !Classes.SequenceEqual(keys.Texts, StringComparer.Ordinal))
            throw new ArgumentException($"its manifest names the classes {Shown.Several(Classes)}, its key {Shown.Several(keys.Names)}");
        Calibration?.CheckClasses(Classes);
        return new BoundMulticlass(Columns, keys, options: null, Calibration);
    }
}
