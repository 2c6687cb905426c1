using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Ordinal classification. The outputs of an <see cref="OrdinalHead"/> are log-probabilities, so that softmax, cross-entropy, calibration
/// and the columns are those of <see cref="MulticlassTask"/>. A module does not have this head: it has one output per class, which may be
/// log-probabilities of an ordinal model, of which the softmax returns the probabilities.
/// </summary>
internal sealed record OrdinalTask(ClassWeights ClassWeights, Calibration Calibration) : LearningTask
{
    public const string Kind = "Ordinal";

    internal override string Name => Kind;

    internal override string Catalog => nameof(MLContext.MulticlassClassification);

    internal override bool HasClassScores => true;

    internal override string? NeedsValidation => Calibration.NeedsValidation;

    internal override LearningTask WithoutValidation => this with { Calibration = Calibration.None };

    public override string ToString() => $"{Kind}(classWeights: {ClassWeights}, calibration: {Calibration})";

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
        if (keys.Count < 2)
        {
            throw new InvalidOperationException(
                $"An ordinal label has two classes at least; column '{columns.Label}' has {keys.Count}: {SafeText.Several(keys.Names)}.");
        }
        ClassWeights.Check(keys.Names);
        return new BoundOrdinal(columns, keys, this, calibration: null);
    }
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="keys">The classes, in order.</param>
/// <param name="options">Options of the training; null in a loaded model.</param>
/// <param name="calibration">Result of the calibration; null if the probabilities are not calibrated.</param>
internal sealed class BoundOrdinal(TaskColumns columns, LabelKeys keys, OrdinalTask? options, Calibration.Report? calibration) : BoundTask
{
    public override LabelSource Labels => new ClassLabels(columns.Label, keys);

    public override LabelKeys Keys => keys;

    public override ClassScores ClassScores => new ClassScores.OfKeys(keys);

    public override int Outputs => keys.Count;

    public override Objective Scoring => MulticlassObjective.OfScoring(keys.Count, calibration);

    public override ScoreColumns Columns => new MulticlassColumns(columns.Score, columns.PredictedLabel, columns.Status, keys);

    public override IReadOnlyList<Metric> Metrics => OrdinalSums.All;

    public override Calibration.Report? Calibration => calibration;

    public override bool FitsOnValidation => options is not null && options.Calibration.IsFitted;

    public override NetworkHead CreateHead(int features) => new OrdinalHead(features, keys.Count);

    // Weights of the classes' rows in the loss; their sum is the number of rows. If epochs have as many rows of each class, the equal
    // shares of a new head are right.
    public override void InitializeHead(NetworkHead head, RowSubset training, bool isBalanced, string? label)
    {
        if (isBalanced)
            return;
        var labels = training.LabelsOf(training.Rows);
        var (ofRows, ofClasses) = (training.WeightsOf(training.Rows), options!.ClassWeights.Resolve(keys.Names, labels));
        var counts = new double[keys.Count];
        foreach (var (row, grade) in labels.Index())
            counts[(int)grade] += (double)(ofRows?[row] ?? 1) * (ofClasses?[(int)grade] ?? 1);
        var total = counts.Sum();
        ((OrdinalHead)head).InitializeThresholds([.. counts.Select(count => total > 0 ? count * labels.Length / total : 0)]);
    }

    // The order of the classes is that of MapValueToKey, by default the order of occurrence; it is logged so that users can check it.
    public override BoundTask ForTraining(RowSubset training, IChannel channel)
    {
        channel.Info($"The order of the classes, from the keys of column '{columns.Label}': {SafeText.Several(keys.Names)}.");
        return this;
    }

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => new MulticlassObjective(
        keys.Count, ClassificationLoss.CrossEntropy(), options!.ClassWeights.Resolve(keys.Names, training.LabelsOf(training.Rows)),
        softTargets: softTargets, createMetrics: () => new OrdinalSums());

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => FitsOnValidation
        ? new BoundOrdinal(columns, keys, options, Calibrator.Fit(options!.Calibration, outputs, labels, keys.Names, channel))
        : this;

    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun) =>
        ClassReport.Of(outputs, labels, Scoring, keys.Names, noun);

    public override TaskManifest Describe() => new OrdinalManifest(columns, keys.Names, calibration);

    /// <summary>The outputs of a multiclass model; <c>logits</c> are log-probabilities with an ordinal head.</summary>
    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "") =>
        ClassOutputs.Write(graph, outputs, keys.Count, calibration, prefix);

    public override StockScorer ToStockScorer() => new StockScorer.OfClasses(columns, keys, calibration?.Temperature ?? 1);
}

/// <summary>The task in the manifest of a model file.</summary>
/// <param name="Columns">Names of the label and output columns.</param>
/// <param name="Classes">Names of the classes, in order.</param>
/// <param name="Calibration">Result of the calibration; null if the probabilities are not calibrated.</param>
internal sealed record OrdinalManifest(TaskColumns Columns, IReadOnlyList<string> Classes, Calibration.Report? Calibration) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        var known = RequireKeys(keys, OrdinalTask.Kind, Classes);
        if (known.Count < 2)
            throw new ArgumentException($"its task is {OrdinalTask.Kind}, with {known.Count} class");
        Calibration?.CheckClasses(Classes);
        return new BoundOrdinal(Columns, known, options: null, Calibration);
    }
}
