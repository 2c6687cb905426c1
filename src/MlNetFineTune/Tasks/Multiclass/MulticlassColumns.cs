using System.Numerics.Tensors;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The columns of a multiclass model, with the annotations of ML.NET's multiclass trainers: score, predicted label, and optionally the
/// reason why a row could not be read.
/// </summary>
internal sealed class MulticlassColumns(string score, string predictedLabel, string? status, LabelKeys keys) : ScoreColumns
{
    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input)
    {
        var set = ScoreColumnSet(input);
        var scoreAnnotations = new DataViewSchema.Annotations.Builder();
        var names = new VBuffer<ReadOnlyMemory<char>>(keys.Count, [.. keys.Names.Select(name => name.AsMemory())]);
        scoreAnnotations.AddSlotNames(keys.Count, (ref VBuffer<ReadOnlyMemory<char>> value) => names.CopyTo(ref value));
        keys.AddTo(scoreAnnotations, AnnotationUtils.Kinds.TrainingLabelValues);
        AddKinds(scoreAnnotations, set, AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification,
            AnnotationUtils.Const.ScoreValueKind.Score);

        var labelAnnotations = new DataViewSchema.Annotations.Builder();
        keys.AddTo(labelAnnotations, AnnotationUtils.Kinds.KeyValues);
        AddKinds(labelAnnotations, set, AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification,
            AnnotationUtils.Const.ScoreValueKind.PredictedLabel);
        return
        [
            new(score, new VectorDataViewType(NumberDataViewType.Single, keys.Count), scoreAnnotations.ToAnnotations()),
            new(predictedLabel, new KeyDataViewType(typeof(uint), keys.Count), labelAnnotations.ToAnnotations()),
            .. StatusColumns(status),
        ];
    }

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column switch
    {
        0 => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => Scores.Copy(batch.ScoresOf(place()), ref value)),
        1 => (ValueGetter<uint>)((ref uint value) => value = KeyOf(batch.ScoresOf(place()))),
        _ => StatusGetter(batch, place),
    };

    // The most probable class as a raw key value, from 1; 0 is missing.
    private static uint KeyOf(ReadOnlySpan<float> scores) => float.IsNaN(scores[0]) ? 0 : (uint)TensorPrimitives.IndexOfMax(scores) + 1;

    /// <summary>Shapes of the columns, for <c>GetOutputSchema</c>.</summary>
    public static SchemaShape.Column[] Shapes(string score, string predictedLabel, string? status, SchemaShape.Column label)
    {
        var slotNames = new SchemaShape.Column(
            AnnotationUtils.Kinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, isKey: false);
        var kinds = AnnotationUtils.GetTrainerOutputAnnotation();
        var hasValues = label.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out var values)
            && values.Kind == SchemaShape.Column.VectorKind.Vector;
        SchemaShape.Column[] trainingValues = hasValues
            ? [new(AnnotationUtils.Kinds.TrainingLabelValues, SchemaShape.Column.VectorKind.Vector, values.ItemType, isKey: false)]
            : [];
        SchemaShape.Column[] keyValues = hasValues ? [values] : [];
        return
        [
            new(score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false,
                new SchemaShape([slotNames, .. trainingValues, .. kinds])),
            new(predictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, isKey: true,
                new SchemaShape([.. keyValues, .. kinds])),
            .. StatusShapes(status),
        ];
    }
}
