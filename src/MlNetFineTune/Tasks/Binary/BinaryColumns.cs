using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>The logit, its probability, and the predicted label, which has no missing value: it is false where the score is.</summary>
internal sealed class BinaryColumns(string score, string probability, string predictedLabel) : ScoreColumns
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
            Scalar(score, NumberDataViewType.Single, set, Kind, AnnotationUtils.Const.ScoreValueKind.Score),
            new(probability, NumberDataViewType.Single, probabilities.ToAnnotations()),
            Scalar(predictedLabel, BooleanDataViewType.Instance, set, Kind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel),
        ];
    }

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column switch
    {
        0 => NumberGetter(batch, place, logit => logit),
        1 => NumberGetter(batch, place, logit => 1 / (1 + MathF.Exp(-logit))),
        _ => (ValueGetter<bool>)((ref bool value) => value = batch.ScoresOf(place())[0] > 0),
    };

    /// <summary>The same, before training.</summary>
    public static SchemaShape.Column[] Shapes(string score, string probability, string predictedLabel)
    {
        var kinds = new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation());
        return
        [
            new(score, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false, kinds),
            new(probability, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, isKey: false,
                new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation(isNormalized: true))),
            new(predictedLabel, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, isKey: false, kinds),
        ];
    }
}
