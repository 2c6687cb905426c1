using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>Token classification: a label for each word.</summary>
internal sealed record TokenClassificationTask(LabelScheme Scheme, ClassWeights ClassWeights, int MaximumWords) : LearningTask
{
    public const string Kind = "TokenClassification";

    internal override string Name => Kind;

    // ML.NET has no catalog for this task.
    internal override string Catalog => "FineTuning";

    internal override bool HasClasses => false;

    internal override bool HasTokenOutputs => true;

    internal override bool TakesMixedRows => false;

    public override string ToString() => FormattableString.Invariant(
        $"{Kind}(scheme: {Scheme}, classWeights: {ClassWeights}, maximumWords: {MaximumWords})");

    internal override string? WhyNotBalanced(string? label, TaskColumns columns) =>
        $"a row of {Kind} has a label for each word: weigh the labels with its classWeights, or rows with ExampleWeightColumnName";

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        ("ScoreColumnName", columns.Score), ("PredictedLabelColumnName", columns.PredictedLabel),
        ("The column of spans", TokenColumns.Spans), ("The column of types", TokenColumns.SpanTypes), .. StatusOf(columns),
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        LabelTexts.Check(context, schema, columns.Label);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) => TokenColumns.Shapes(columns);

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns) =>
        throw new NotSupportedException("The labels of words are found in the data.");

    internal override BoundTask Bind(IDataView data, TaskColumns columns)
    {
        var tags = WordTags.Of(LabelTexts.Distinct(data, columns.Label), Scheme, columns.Label);
        if (tags.Count < 2)
        {
            throw new InvalidOperationException(
                $"Training needs words of at least two labels, but column '{columns.Label}' has {tags.Count}.");
        }
        ClassWeights.Check(tags.Names);
        return new BoundTokens(columns, tags, MaximumWords, this);
    }
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="tags">The outputs for a word.</param>
/// <param name="maximumWords">Maximum number of words in a row.</param>
/// <param name="options">Options of the training; null in a loaded model.</param>
internal sealed class BoundTokens(TaskColumns columns, WordTags tags, int maximumWords, TokenClassificationTask? options) : BoundTask
{
    public override LabelSource Labels => new LabelsOfWords(columns.Label, tags, maximumWords);

    public override IReadOnlyList<string> ClassNames => tags.Names;

    /// <summary>Number of outputs for a word.</summary>
    public override int Outputs => tags.Count;

    public override Objective Scoring => new TokenObjective(tags, maximumWords);

    public override ScoreColumns Columns => new TokenColumns(columns, tags);

    public override IReadOnlyList<Metric> Metrics => TokenSums.MetricsOf(tags);

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets)
    {
        float[] labels = [.. training.LabelsOf(training.Rows).Where(label => !float.IsNaN(label))];
        return new TokenObjective(tags, maximumWords, options!.ClassWeights.Resolve(tags.Names, labels));
    }

    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun) =>
        new TokenReport(outputs, labels, tags, maximumWords).Sections(noun);

    public override TaskManifest Describe() => new TokenClassificationManifest(columns, tags.Names, tags.Scheme, maximumWords);

    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "") =>
        throw new NotSupportedException(WordInput.WhyNoOnnx);

    public override StockScorer ToStockScorer() => throw new NotSupportedException(WordInput.WhyNoOnnx);
}

/// <summary>The task in the manifest of a model file.</summary>
/// <param name="Columns">Names of the label and output columns.</param>
/// <param name="Labels">Names of the labels, in the order of a word's scores.</param>
/// <param name="Scheme">Their scheme: IOB2, IOB1 or plain.</param>
/// <param name="MaximumWords">Maximum number of words in a row.</param>
internal sealed record TokenClassificationManifest(
    TaskColumns Columns, IReadOnlyList<string> Labels, LabelScheme Scheme, int MaximumWords) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        RequireNoKeys(keys, TokenClassificationTask.Kind);
        return MaximumWords is >= 1 and <= WordInputManifest.MostWords
            ? new BoundTokens(Columns, WordTags.OfManifest(Labels, Scheme), MaximumWords, options: null)
            : throw new ArgumentException(FormattableString.Invariant($"its rows have up to {MaximumWords} words"));
    }
}
