using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>Extractive question answering: the span of a context that answers a question, or none.</summary>
internal sealed record QuestionAnsweringTask(int MaximumAnswerTokens, DecisionThreshold NoAnswerThreshold, int MaximumContextTokens)
    : LearningTask
{
    public const string Kind = "QuestionAnswering";

    internal override string Name => Kind;

    // ML.NET has no catalog for this task.
    internal override string Catalog => "FineTuning";

    internal override bool HasClasses => false;

    internal override bool HasTokenOutputs => true;

    internal override bool TakesMixedRows => false;

    internal override string? NeedsValidation => NoAnswerThreshold.NeedsValidation;

    internal override LearningTask WithoutValidation =>
        NoAnswerThreshold.IsTuned ? this with { NoAnswerThreshold = DecisionThreshold.Default } : this;

    public override string ToString() => FormattableString.Invariant(
        $"{Kind}(maximumAnswerTokens: {MaximumAnswerTokens}, noAnswerThreshold: {NoAnswerThreshold}, ")
        + FormattableString.Invariant($"maximumContextTokens: {MaximumContextTokens})");

    internal override IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns) =>
    [
        ("The column of answers", AnswerColumns.Answer), ("The column of spans", AnswerColumns.Span),
        ("ScoreColumnName", columns.Score), ("The column of probabilities of no answer", AnswerColumns.NoAnswer), .. StatusOf(columns),
    ];

    internal override void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        AnswerColumn.Check(context, schema, columns.Label);

    internal override SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns) => AnswerColumns.Shapes(columns);

    internal override BoundTask Bind(DataViewSchema schema, TaskColumns columns) => new BoundAnswers(
        columns, MaximumAnswerTokens, BinaryTask.LogitOf(NoAnswerThreshold.Probability), NoAnswerThreshold);
}

/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="maximumTokens">Maximum number of tokens in an answer.</param>
/// <param name="threshold">Log-odds of "no answer" above which none is predicted.</param>
/// <param name="criterion">How the threshold is chosen; null in a loaded model.</param>
internal sealed class BoundAnswers(TaskColumns columns, int maximumTokens, float threshold, DecisionThreshold? criterion) : BoundTask
{
    public override LabelSource Labels => new LabelsOfAnswers(columns.Label, columns.Context!);

    /// <summary>Outputs for a token: the logits of being the first one of the answer, and the last.</summary>
    public override int Outputs => 2;

    public override Objective Scoring => new AnswerObjective(maximumTokens, threshold);

    public override ScoreColumns Columns => new AnswerColumns(columns, threshold);

    public override IReadOnlyList<Metric> Metrics => AnswerSums.All;

    public override float? ScoreThreshold => threshold;

    public override bool FitsOnValidation => criterion is { IsTuned: true };

    public override string TextOf(ReadOnlySpan<float> label) => LabelsOfAnswers.IsAnswer(label)
        ? FormattableString.Invariant($"characters {label[0]} to {label[1]}") : "no answer";

    public override Objective Training(RowSubset training, SoftTargetLoss? softTargets) => Scoring;

    public override BoundTask Fit(RowOutputs outputs, float[] labels, IChannel channel) => FitsOnValidation
        ? new BoundAnswers(columns, maximumTokens, ThresholdOf(outputs, labels, channel), criterion)
        : this;

    public override IReadOnlyList<ReportSection> Report(RowOutputs outputs, float[] labels, string noun) =>
        new AnswerReport(outputs, labels, threshold).Sections(noun);

    public override TaskManifest Describe() => new QuestionAnsweringManifest(columns, maximumTokens, threshold);

    public override IReadOnlyList<GraphOutput> WriteOutputs(NetworkGraph graph, GraphValue outputs, string prefix = "") =>
        throw new NotSupportedException(AnswerInput.WhyNoOnnx);

    public override StockScorer ToStockScorer() => throw new NotSupportedException(AnswerInput.WhyNoOnnx);

    private float ThresholdOf(RowOutputs outputs, float[] labels, IChannel channel)
    {
        var rows = outputs.Rows.Length;
        var (logits, hasNone) = (new float[rows], new bool[rows]);
        for (var row = 0; row < rows; row++)
        {
            logits[row] = FoundAnswer.Of(outputs.Of(row)).NoAnswerLogit;
            hasNone[row] = !LabelsOfAnswers.IsAnswer(labels.AsSpan(row * 2, 2));
        }
        if (ThresholdTuning.Of(criterion!, logits, hasNone) is not { } tuned || !float.IsFinite(tuned.Threshold))
        {
            channel.Warning(FormattableString.Invariant(
                $"The threshold of no answer stays at the probability 0.5: {criterion} chooses none by the {rows} validation rows, of ")
                + FormattableString.Invariant($"which {hasNone.Count(none => none)} have no answer. It needs rows of both kinds, ")
                + "and a target within their reach.");
            return threshold;
        }
        var counts = tuned.Counts;
        channel.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"Threshold of no answer tuned by {criterion} on {rows} validation rows: above a probability of "
                + $"{BinaryTask.ProbabilityOf(tuned.Threshold):0.0000} no answer is predicted. Of such rows, precision "
                + $"{counts.Precision:0.000}, recall {counts.Recall:0.000}, F1 {counts.F1:0.000}."));
        return tuned.Threshold;
    }
}

/// <summary>The task in the manifest of a model file.</summary>
/// <param name="Columns">Names of the label, context and output columns.</param>
/// <param name="MaximumAnswerTokens">Maximum number of tokens in an answer.</param>
/// <param name="Threshold">Log-odds of "no answer" above which none is predicted.</param>
internal sealed record QuestionAnsweringManifest(TaskColumns Columns, int MaximumAnswerTokens, float Threshold) : TaskManifest
{
    public override BoundTask Bind(LabelKeys? keys)
    {
        RequireNoKeys(keys, QuestionAnsweringTask.Kind);
        return MaximumAnswerTokens is >= 1 and <= AnswerInputManifest.MostTokens && float.IsFinite(Threshold)
            && !string.IsNullOrWhiteSpace(Columns.Context)
            ? new BoundAnswers(Columns, MaximumAnswerTokens, Threshold, criterion: null)
            : throw new ArgumentException(FormattableString.Invariant(
                $"its answers have up to {MaximumAnswerTokens} tokens of column {SafeText.Of(Columns.Context)}, its threshold is ")
                + FormattableString.Invariant($"{Threshold}"));
    }
}
