using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The columns of a model that answers questions: the answer and its characters in the context, its probability, and that of no answer. The
/// first two are empty without an answer and for a row that could not be scored, whose numbers are NaN.
/// </summary>
/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="threshold">Log-odds of "no answer" above which none is predicted.</param>
internal sealed class AnswerColumns(TaskColumns columns, float threshold) : ScoreColumns
{
    public const string Answer = "PredictedAnswer";

    public const string Span = "PredictedSpan";

    public const string NoAnswer = "NoAnswerProbability";

    // ML.NET has no such kind; its evaluators for other kinds must not use these columns.
    private const string Kind = "QuestionAnswering";

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input)
    {
        var set = ScoreColumnSet(input);
        return
        [
            Scalar(Answer, TextDataViewType.Instance, set, Kind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel),
            new(Span, new VectorDataViewType(NumberDataViewType.Int32)),
            Scalar(columns.Score, NumberDataViewType.Single, set, Kind, AnnotationUtils.Const.ScoreValueKind.Score),
            Scalar(NoAnswer, NumberDataViewType.Single, set, Kind, AnnotationUtils.Const.ScoreValueKind.Probability),
            .. StatusColumns(columns.Status),
        ];
    }

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column switch
    {
        0 => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) =>
        {
            var row = place();
            value = FoundAnswer.Of(batch.ScoresOf(row)).In(batch.ContextOf(row), threshold);
        }),
        1 => (ValueGetter<VBuffer<int>>)((ref VBuffer<int> value) => CopySpan(FoundAnswer.Of(batch.ScoresOf(place())), ref value)),
        2 => (ValueGetter<float>)((ref float value) => value = MathF.Exp(FoundAnswer.Of(batch.ScoresOf(place())).LogProbability)),
        3 => (ValueGetter<float>)((ref float value) =>
            value = 1 / (1 + MathF.Exp(-FoundAnswer.Of(batch.ScoresOf(place())).NoAnswerLogit))),
        _ => StatusGetter(batch, place),
    };

    /// <summary>Shapes of the columns, for <c>GetOutputSchema</c>.</summary>
    public static SchemaShape.Column[] Shapes(TaskColumns columns)
    {
        var kinds = new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation());
        return
        [
            new(Answer, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, isKey: false, kinds),
            new(Span, SchemaShape.Column.VectorKind.VariableVector, NumberDataViewType.Int32, isKey: false),
            new(columns.Score, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false, kinds),
            new(NoAnswer, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false, kinds),
            .. StatusShapes(columns.Status),
        ];
    }

    private void CopySpan(FoundAnswer found, ref VBuffer<int> value)
    {
        var editor = VBufferEditor.Create(ref value, found.IsPredicted(threshold) ? 2 : 0);
        if (editor.Values.Length > 0)
            (editor.Values[0], editor.Values[1]) = ((int)found.Start, (int)found.End);
        value = editor.Commit();
    }
}
