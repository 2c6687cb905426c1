using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>What is learnt, and in which columns it stands.</summary>
internal abstract record ModuleTask(string Label, string Score)
{
    /// <summary>As the model file writes it.</summary>
    public abstract string Kind { get; }

    /// <summary>The classes, where there are any.</summary>
    public virtual LabelKeys? KeysOf(DataViewSchema.Column label) => null;

    /// <summary>Names by number; null where a number is predicted.</summary>
    public virtual IReadOnlyList<string>? ClassNames(LabelKeys? keys) => keys?.Names;

    /// <exception cref="Exception">The label is of another type; in ML.NET's words.</exception>
    public void CheckLabel(IExceptionContext context, SchemaShape schema)
    {
        if (!schema.TryFindColumn(Label, out var label))
            throw context.ExceptSchemaMismatch("inputSchema", "label", Label);
        if (label.Kind != SchemaShape.Column.VectorKind.Scalar || !Accepts(label))
            throw context.ExceptSchemaMismatch("inputSchema", "label", label.Name, ExpectedLabel, label.GetTypeString());
    }

    public abstract SchemaShape.Column[] Shapes(SchemaShape.Column label);

    public abstract LabelSource Labels(LabelKeys? keys);

    /// <summary>To score by.</summary>
    /// <param name="keys">The classes, where there are any.</param>
    /// <param name="calibration">Of the probabilities, where they are calibrated.</param>
    public abstract Objective Objective(LabelKeys? keys, Calibration.Report? calibration);

    /// <summary>To train by.</summary>
    /// <param name="keys">The classes, where there are any.</param>
    /// <param name="labels">Of the rows that train.</param>
    public abstract Objective TrainingObjective(LabelKeys? keys, float[] labels);

    public abstract ScoreColumns Columns(LabelKeys? keys);

    protected abstract string ExpectedLabel { get; }

    protected abstract bool Accepts(SchemaShape.Column label);
}

internal sealed record MulticlassTask(string Label, string Score, string PredictedLabel, ClassificationLoss Loss, ClassWeights ClassWeights) : ModuleTask(Label, Score)
{
    public const string Name = "Multiclass";

    public override string Kind => Name;

    protected override string ExpectedLabel => "Key (Conversion.MapValueToKey makes one)";

    public override LabelKeys KeysOf(DataViewSchema.Column label)
    {
        var keys = LabelKeys.Of(label);
        ClassWeights.Check(keys.Names);
        return keys;
    }

    public override SchemaShape.Column[] Shapes(SchemaShape.Column label) => MulticlassColumns.Shapes(Score, PredictedLabel, status: null, label);

    public override LabelSource Labels(LabelKeys? keys) => new ClassLabels(Label, keys!);

    public override Objective Objective(LabelKeys? keys, Calibration.Report? calibration) =>
        MulticlassObjective.OfScoring(keys!.Count, calibration);

    public override Objective TrainingObjective(LabelKeys? keys, float[] labels) => new MulticlassObjective(keys!.Count, Loss, ClassWeights.Resolve(keys.Names, labels));

    public override ScoreColumns Columns(LabelKeys? keys) => new MulticlassColumns(Score, PredictedLabel, status: null, keys!);

    protected override bool Accepts(SchemaShape.Column label) => label.IsKey;
}

internal sealed record BinaryTask(string Label, string Score, string Probability, string PredictedLabel, ClassWeights ClassWeights) : ModuleTask(Label, Score)
{
    public const string Name = "Binary";

    public override string Kind => Name;

    protected override string ExpectedLabel => "Boolean";

    public override SchemaShape.Column[] Shapes(SchemaShape.Column label) => BinaryColumns.Shapes(Score, Probability, PredictedLabel);

    public override IReadOnlyList<string> ClassNames(LabelKeys? keys) => BinaryObjective.Classes;

    public override LabelSource Labels(LabelKeys? keys) => new BooleanLabels(Label);

    public override Objective Objective(LabelKeys? keys, Calibration.Report? calibration) =>
        new BinaryObjective(temperature: calibration?.Temperature ?? 1);

    public override Objective TrainingObjective(LabelKeys? keys, float[] labels) => new BinaryObjective(ClassWeights.Resolve(BinaryObjective.Classes, labels));

    public override ScoreColumns Columns(LabelKeys? keys) => new BinaryColumns(Score, Probability, PredictedLabel);

    protected override bool Accepts(SchemaShape.Column label) => label.ItemType is BooleanDataViewType;
}

internal sealed record RegressionTask(string Label, string Score, RegressionLoss Loss) : ModuleTask(Label, Score)
{
    public const string Name = "Regression";

    public override string Kind => Name;

    protected override string ExpectedLabel => "Single (Conversion.ConvertType makes one)";

    public override SchemaShape.Column[] Shapes(SchemaShape.Column label) => RegressionColumns.Shapes(Score);

    public override LabelSource Labels(LabelKeys? keys) => new NumberLabels(Label);

    public override Objective Objective(LabelKeys? keys, Calibration.Report? calibration) => new RegressionObjective(Loss);

    public override Objective TrainingObjective(LabelKeys? keys, float[] labels) => Objective(keys, calibration: null);

    public override ScoreColumns Columns(LabelKeys? keys) => new RegressionColumns(Score);

    protected override bool Accepts(SchemaShape.Column label) => !label.IsKey && label.ItemType == NumberDataViewType.Single;
}
