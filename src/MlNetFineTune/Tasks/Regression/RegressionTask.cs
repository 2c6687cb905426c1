using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>Regression of one number.</summary>
internal sealed record RegressionTask(RegressionLoss Loss, OutputRange? OutputRange, bool Standardize) : LearningTask
{
    public const string Kind = "Regression";

    internal override string Name => Kind;

    internal override string Catalog => nameof(MLContext.Regression);

    internal override bool HasClasses => false;

    public override string ToString() => FormattableString.Invariant(
        $"{Kind}(loss: {Loss}, outputRange: {(OutputRange is null ? "none" : $"{OutputRange}")}, standardize: {Standardize})");

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
        [("ScoreColumnName", columns.Score), .. StatusOf(columns)];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) => LabelOf(
        context, schema, columns, "Single (Conversion.ConvertType makes one)",
        label => !label.IsKey && label.ItemType == NumberDataViewType.Single);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) => RegressionColumns.Shapes(columns);

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns) =>
        new BoundRegression(columns, this, scale: null, OutputRange);
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="options">Options of the training; null in a loaded model.</param>
/// <param name="scale">Scale by which labels are standardised; null if they are not.</param>
/// <param name="range">Bounds of the scores; null if there are none.</param>
internal sealed class BoundRegression(TaskColumns columns, RegressionTask? options, TargetScale? scale, OutputRange? range) : BoundTask
{
    public override LabelSource Labels => new NumberLabels(columns.Label);

    public override int Outputs => 1;

    public override Objective Scoring => new RegressionObjective(options?.Loss ?? RegressionLoss.SquaredError, scale, range);

    public override ScoreColumns Columns => new RegressionColumns(columns);

    public override IReadOnlyList<Metric> Metrics => RegressionMetrics.All;

    public override BoundTask ForTraining(RowSubset training, IChannel channel)
    {
        var labels = training.LabelsOf(training.Rows);
        if (range is not null && labels.Count(label => label < range.Minimum || label > range.Maximum) is > 0 and var outside)
        {
            channel.Warning(
                $"{outside} of {labels.Length} training labels in column '{columns.Label}' lie outside the output range {range}, "
                + "which no score can leave: widen it.");
        }
        if (!options!.Standardize)
            return this;
        var found = TargetScale.Of(labels, training.WeightsOf(training.Rows));
        channel.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"Labels are standardised by the mean {found.Mean:G6} and the deviation {found.Deviation:G6} of {labels.Length} rows."));
        return new BoundRegression(columns, options, found, range);
    }

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => Scoring;

    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun) =>
        RegressionReport.Of(outputs, labels, Scoring, noun);

    public override TaskManifest Describe() => new RegressionManifest(columns, scale, range);

    /// <summary>The output <c>score</c>, in the unit of the label: [N, 1].</summary>
    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "")
    {
        // An affine map: with a range, minimum + (maximum - minimum) sigmoid(output); otherwise, mean + deviation * output.
        var (value, factor, offset) = range is not null
            ? (graph.Add("Sigmoid", [outputs]), range.Maximum - (double)range.Minimum, range.Minimum)
            : (outputs, scale?.Deviation ?? 1, scale?.Mean ?? 0);
        var scaled = graph.Product(value, graph.Scalar("score.factor", (float)factor));
        var score = graph.Sum(scaled, graph.Scalar("score.offset", (float)offset));
        return [new(graph.Named(prefix + GraphOutput.Score, score), 1)];
    }

    public override StockScorer ToStockScorer() => new StockScorer.OfNumber(columns);
}

/// <summary>The task in the manifest of a model file.</summary>
/// <param name="Columns">Names of the label and output columns.</param>
/// <param name="Scale">Scale by which labels were standardised; null if they were not.</param>
/// <param name="Range">Bounds of the scores; null if there are none.</param>
internal sealed record RegressionManifest(TaskColumns Columns, TargetScale? Scale = null, OutputRange? Range = null) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        RequireNoKeys(keys, RegressionTask.Kind);
        return new BoundRegression(Columns, options: null, Scale, Range);
    }
}
