using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Tasks;

/// <summary>The columns of a task, followed by those of its conformal prediction: sets, novelty if there is one, and the flag.</summary>
/// <param name="own">Columns of the task.</param>
/// <param name="scores">Number of scores of the task; the novelty follows them.</param>
/// <param name="classes">How sets become values of the label.</param>
/// <param name="model">Computes them.</param>
internal sealed class ConformalColumns(ScoreColumns own, int scores, ClassScores classes, ConformalModel model) : ScoreColumns
{
    private readonly int _count = own.Create(new DataViewSchema.Builder().ToSchema()).Length;

    private bool HasNovelty => model.Manifest.Novelty is not null;

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input) =>
    [
        .. own.Create(input),
        classes.SetColumn(model.Manifest.PredictedLabelsColumn),
        .. model.Manifest.Novelty is { } novelty
            ? [new DataViewSchema.DetachedColumn(novelty.Column, NumberDataViewType.Single)]
            : (DataViewSchema.DetachedColumn[])[],
        new(model.Manifest.RejectedColumn, BooleanDataViewType.Instance),
    ];

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => (column - _count) switch
    {
        < 0 => own.Getter(column, new OwnScores(batch, scores), place),
        0 => classes.SetGetter(() => model.SetOf(batch.ScoresOf(place()))),
        1 when HasNovelty => (ValueGetter<float>)((ref float value) => value = model.NoveltyOf(batch.ScoresOf(place()))),
        _ => (ValueGetter<bool>)((ref bool value) => value = model.IsRejected(batch.ScoresOf(place()))),
    };

    /// <summary>Shapes of the added columns, for <c>GetOutputSchema</c>.</summary>
    /// <param name="options">Names of the columns.</param>
    /// <param name="label">The label column.</param>
    public static SchemaShape.Column[] Shapes(ConformalPrediction options, SchemaShape.Column label) =>
    [
        ClassScores.SetShape(options.PredictedLabelsColumnName, label),
        .. options.Novelty == ConformalPrediction.NoveltyScore.None ? (SchemaShape.Column[])[]
            : [new(options.NoveltyColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false)],
        new(options.RejectedColumnName, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, isKey: false),
    ];

    /// <summary>The scores of the task.</summary>
    private sealed class OwnScores(IScoredRows rows, int length) : IScoredRows
    {
        public ReadOnlySpan<float> ScoresOf(int place) => rows.ScoresOf(place)[..length];

        public ReadOnlyMemory<char> StatusOf(int place) => rows.StatusOf(place);

        public ReadOnlyMemory<char> ContextOf(int place) => rows.ContextOf(place);
    }
}
