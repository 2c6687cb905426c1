using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The columns of a multi-label model: probabilities, predicted labels, and optionally the reason why a row could not be read. Both vectors
/// have the labels' names. Predicted labels are false if the scores are NaN, because Boolean has no missing value.
/// </summary>
/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="names">Names of the labels.</param>
/// <param name="keys">Key values of the labels; null if they are not keys.</param>
/// <param name="thresholds">Probabilities above which a row has each label.</param>
internal sealed class MultiLabelColumns(
    TaskColumns columns, IReadOnlyList<string> names, LabelKeys? keys, IReadOnlyList<float> thresholds) : ScoreColumns
{
    // ML.NET has no such kind; its evaluators for other kinds must not use these columns.
    private const string Kind = "MultiLabelClassification";

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input)
    {
        var set = ScoreColumnSet(input);
        var (scores, labels) = (Named(), Named());
        keys?.AddTo(scores, AnnotationUtils.Kinds.TrainingLabelValues);
        AddKinds(scores, set, Kind, AnnotationUtils.Const.ScoreValueKind.Score);
        AddKinds(labels, set, Kind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel);
        return
        [
            new(columns.Score, new VectorDataViewType(NumberDataViewType.Single, names.Count), scores.ToAnnotations()),
            new(columns.PredictedLabel, new VectorDataViewType(BooleanDataViewType.Instance, names.Count), labels.ToAnnotations()),
            .. StatusColumns(columns.Status),
        ];
    }

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column switch
    {
        0 => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => Scores.Copy(batch.ScoresOf(place()), ref value)),
        1 => (ValueGetter<VBuffer<bool>>)((ref VBuffer<bool> value) => Predict(batch.ScoresOf(place()), ref value)),
        _ => StatusGetter(batch, place),
    };

    /// <summary>Shapes of the columns, for <c>GetOutputSchema</c>.</summary>
    public static SchemaShape.Column[] Shapes(TaskColumns columns, SchemaShape.Column label)
    {
        var slotNames = new SchemaShape.Column(
            AnnotationUtils.Kinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, isKey: false);
        var kinds = AnnotationUtils.GetTrainerOutputAnnotation();
        var hasValues = label.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out var values)
            && values.Kind == SchemaShape.Column.VectorKind.Vector;
        SchemaShape.Column[] trainingValues = hasValues
            ? [new(AnnotationUtils.Kinds.TrainingLabelValues, SchemaShape.Column.VectorKind.Vector, values.ItemType, isKey: false)]
            : [];
        return
        [
            Vector(columns.Score, NumberDataViewType.Single, [slotNames, .. trainingValues, .. kinds]),
            Vector(columns.PredictedLabel, BooleanDataViewType.Instance, [slotNames, .. kinds]),
            .. StatusShapes(columns.Status),
        ];

        static SchemaShape.Column Vector(string name, DataViewType type, SchemaShape.Column[] annotations) =>
            new(name, SchemaShape.Column.VectorKind.Vector, type, isKey: false, new SchemaShape(annotations));
    }

    private DataViewSchema.Annotations.Builder Named()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        var slots = new VBuffer<ReadOnlyMemory<char>>(names.Count, [.. names.Select(name => name.AsMemory())]);
        annotations.AddSlotNames(names.Count, (ref VBuffer<ReadOnlyMemory<char>> value) => slots.CopyTo(ref value));
        return annotations;
    }

    private void Predict(ReadOnlySpan<float> scores, ref VBuffer<bool> value)
    {
        var editor = VBufferEditor.Create(ref value, scores.Length);
        for (var label = 0; label < scores.Length; label++)
            editor.Values[label] = scores[label] > thresholds[label];
        value = editor.Commit();
    }
}
