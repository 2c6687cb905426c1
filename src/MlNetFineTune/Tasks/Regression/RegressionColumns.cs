using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Tasks;

/// <summary>The number.</summary>
internal sealed class RegressionColumns(string score) : ScoreColumns
{
    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input) =>
        [Scalar(score, NumberDataViewType.Single, ScoreColumnSet(input), AnnotationUtils.Const.ScoreColumnKind.Regression,
            AnnotationUtils.Const.ScoreValueKind.Score)];

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => NumberGetter(batch, place, number => number);

    /// <summary>The same, before training.</summary>
    public static SchemaShape.Column[] Shapes(string score) =>
        [new(score, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false,
            new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation()))];
}
