using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The columns of a binary model: the logit, its probability, the predicted label (false if the score is NaN, because Boolean has no
/// missing value), and optionally the reason why a row could not be read.
/// </summary>
/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="threshold">The predicted label is true if the score is above this value.</param>
internal sealed class BinaryColumns(TaskColumns columns, float threshold) : ScoreColumns
{
    private const string Kind = AnnotationUtils.Const.ScoreColumnKind.BinaryClassification;

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input)
    {
        var set = ScoreColumnSet(input);
        var probabilities = new DataViewSchema.Annotations.Builder();
        AddKinds(probabilities, set, Kind, AnnotationUtils.Const.ScoreValueKind.Probability);
        probabilities.Add(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, (ref bool value) => value = true);
        return
        [
            Scalar(columns.Score, NumberDataViewType.Single, set, Kind, AnnotationUtils.Const.ScoreValueKind.Score),
            new(columns.Probability, NumberDataViewType.Single, probabilities.ToAnnotations()),
            Scalar(columns.PredictedLabel, BooleanDataViewType.Instance, set, Kind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel),
            .. StatusColumns(columns.Status),
        ];
    }

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column switch
    {
        0 => NumberGetter(batch, place, logit => logit),
        1 => NumberGetter(batch, place, logit => 1 / (1 + MathF.Exp(-logit))),
        2 => (ValueGetter<bool>)((ref bool value) => value = batch.ScoresOf(place())[0] > threshold),
        _ => StatusGetter(batch, place),
    };

    /// <summary>Shapes of the columns, for <c>GetOutputSchema</c>.</summary>
    public static SchemaShape.Column[] Shapes(TaskColumns columns)
    {
        var kinds = new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation());
        var normalized = new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation(isNormalized: true));
        return
        [
            new(columns.Score, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false, kinds),
            new(columns.Probability, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false, normalized),
            new(columns.PredictedLabel, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, isKey: false, kinds),
            .. StatusShapes(columns.Status),
        ];
    }
}
