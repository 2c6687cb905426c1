using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>A number.</summary>
internal sealed record RegressionTask(RegressionLoss Loss) : LearningTask
{
    public const string Kind = "Regression";

    internal override string Name => Kind;

    internal override string Catalog => nameof(MLContext.Regression);

    public override string ToString() => $"{Kind}(loss: {Loss})";

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) => [("ScoreColumnName", columns.Score)];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) => LabelOf(
        context, schema, columns, "Single (Conversion.ConvertType makes one)",
        label => !label.IsKey && label.ItemType == NumberDataViewType.Single);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) => RegressionColumns.Shapes(columns.Score);

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns) => new BoundRegression(columns, this);
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="options">Options of the training; null in a model that was loaded.</param>
internal sealed class BoundRegression(TaskColumns columns, RegressionTask? options) : BoundTask
{
    public override LabelSource Labels => new NumberLabels(columns.Label);

    public override int Outputs => 1;

    public override Objective Scoring => new RegressionObjective(options?.Loss ?? RegressionLoss.SquaredError);

    public override ScoreColumns Columns => new RegressionColumns(columns.Score);

    public override IReadOnlyList<Metric> Metrics => [Metric.RootMeanSquaredError];

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => Scoring;

    public override TaskManifest Describe() => new RegressionManifest(columns);
}

/// <summary>The task in the manifest of a model file.</summary>
internal sealed record RegressionManifest(TaskColumns Columns) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        RequireNoKeys(keys, RegressionTask.Kind);
        return new BoundRegression(Columns, options: null);
    }
}
