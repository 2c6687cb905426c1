using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tasks;

/// <summary>The columns of a regression: the score, and optionally the reason why a row could not be read.</summary>
/// <param name="columns">Names of the columns that the task reads and writes.</param>
internal sealed class RegressionColumns(TaskColumns columns) : ScoreColumns
{
    private const string Kind = AnnotationUtils.Const.ScoreColumnKind.Regression;

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input) =>
    [
        Scalar(columns.Score, NumberDataViewType.Single, ScoreColumnSet(input), Kind, AnnotationUtils.Const.ScoreValueKind.Score),
        .. StatusColumns(columns.Status),
    ];

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) =>
        column == 0 ? NumberGetter(batch, place, number => number) : StatusGetter(batch, place);

    /// <summary>Shapes of the columns, for <c>GetOutputSchema</c>.</summary>
    public static SchemaShape.Column[] Shapes(TaskColumns columns)
    {
        var kinds = new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation());
        return
        [
            new(columns.Score, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false, kinds),
            .. StatusShapes(columns.Status),
        ];
    }
}
