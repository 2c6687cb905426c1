using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>Yes or no: one logit.</summary>
internal sealed record BinaryTask(ClassWeights ClassWeights, Calibration Calibration) : LearningTask
{
    public const string Kind = "Binary";

    internal override string Name => Kind;

    internal override string Catalog => nameof(MLContext.BinaryClassification);

    internal override string? NeedsValidation => Calibration.NeedsValidation;

    internal override LearningTask WithoutValidation => this with { Calibration = Calibration.None };

    public override string ToString() => $"{Kind}(classWeights: {ClassWeights}, calibration: {Calibration})";

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        ("ScoreColumnName", columns.Score), ("ProbabilityColumnName", columns.Probability),
        ("PredictedLabelColumnName", columns.PredictedLabel),
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        LabelOf(context, schema, columns, "Boolean", label => label.ItemType is BooleanDataViewType);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) =>
        BinaryColumns.Shapes(columns.Score, columns.Probability, columns.PredictedLabel);

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns) => new BoundBinary(columns, this, calibration: null);
}

/// <param name="columns">Their names.</param>
/// <param name="options">What trains; null in a model that was loaded.</param>
/// <param name="calibration">Null where the probabilities are as the network gives them.</param>
internal sealed class BoundBinary(TaskColumns columns, BinaryTask? options, Calibration.Report? calibration) : BoundTask
{
    public override LabelSource Labels => new BooleanLabels(columns.Label);

    public override IReadOnlyList<string> ClassNames => BinaryObjective.Classes;

    public override int Outputs => 1;

    public override Objective Scoring => new BinaryObjective(temperature: calibration?.Temperature ?? 1);

    public override ScoreColumns Columns => new BinaryColumns(columns.Score, columns.Probability, columns.PredictedLabel);

    public override IReadOnlyList<Metric> Metrics => [Metric.Accuracy];

    public override Calibration.Report? Calibration => calibration;

    public override bool FitsOnValidation => options is not null && options.Calibration.IsFitted;

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) =>
        new BinaryObjective(options!.ClassWeights.Resolve(BinaryObjective.Classes, training.LabelsOf(training.Rows)));

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => FitsOnValidation
        ? new BoundBinary(columns, options, Calibrator.Fit(options!.Calibration, outputs, labels, ClassNames, channel))
        : this;

    public override TaskManifest Describe() => new BinaryManifest(columns, calibration);
}

/// <summary>As the model file has it.</summary>
/// <param name="Columns">Their names.</param>
/// <param name="Calibration">Of the probabilities, where they are calibrated.</param>
internal sealed record BinaryManifest(TaskColumns Columns, Calibration.Report? Calibration) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        RequireNoKeys(keys, BinaryTask.Kind);
        Calibration?.CheckClasses(BinaryObjective.Classes);
        return new BoundBinary(Columns, options: null, Calibration);
    }
}
