using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The logit, its probability, the predicted label, which has no missing value (it is false where the score is missing), and then, if it
/// has a name, why a row could not be read.
/// </summary>
/// <param name="columns">Their names.</param>
/// <param name="threshold">The label is true where the score is above it.</param>
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

    /// <summary>The same, before training.</summary>
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
