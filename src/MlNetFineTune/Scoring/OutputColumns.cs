using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Scoring;

/// <summary>The columns a classifier adds, as ML.NET's own multiclass trainers describe theirs.</summary>
internal static class OutputColumns
{
    /// <summary>Score first, then the predicted label, then, if it has a name, the picture's status.</summary>
    public static DataViewSchema.DetachedColumn[] Create(DataViewSchema input, string score, string predictedLabel, string? imageStatus, LabelKeys keys)
    {
        // Columns of one scorer share a number, which no other scorer in the pipeline has.
        var set = checked(input.GetMaxAnnotationKind(out _, AnnotationUtils.Kinds.ScoreColumnSetId) + 1);
        var scoreAnnotations = new DataViewSchema.Annotations.Builder();
        var names = new VBuffer<ReadOnlyMemory<char>>(keys.Count, [.. keys.Names.Select(name => name.AsMemory())]);
        scoreAnnotations.AddSlotNames(keys.Count, (ref VBuffer<ReadOnlyMemory<char>> value) => names.CopyTo(ref value));
        keys.AddTo(scoreAnnotations, AnnotationUtils.Kinds.TrainingLabelValues);
        AddKinds(scoreAnnotations, AnnotationUtils.Const.ScoreValueKind.Score);

        var labelAnnotations = new DataViewSchema.Annotations.Builder();
        keys.AddTo(labelAnnotations, AnnotationUtils.Kinds.KeyValues);
        AddKinds(labelAnnotations, AnnotationUtils.Const.ScoreValueKind.PredictedLabel);
        return
        [
            new(score, new VectorDataViewType(NumberDataViewType.Single, keys.Count), scoreAnnotations.ToAnnotations()),
            new(predictedLabel, new KeyDataViewType(typeof(uint), keys.Count), labelAnnotations.ToAnnotations()),
            .. imageStatus is null ? [] : (DataViewSchema.DetachedColumn[])[new(imageStatus, TextDataViewType.Instance)],
        ];

        void AddKinds(DataViewSchema.Annotations.Builder annotations, string valueKind)
        {
            annotations.Add(AnnotationUtils.Kinds.ScoreColumnSetId, AnnotationUtils.ScoreColumnSetIdType, (ref uint value) => value = set);
            AddText(annotations, AnnotationUtils.Kinds.ScoreColumnKind, AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification);
            AddText(annotations, AnnotationUtils.Kinds.ScoreValueKind, valueKind);
        }

        static void AddText(DataViewSchema.Annotations.Builder annotations, string kind, string text) =>
            annotations.Add(kind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = text.AsMemory());
    }

    /// <summary>The same, before training: what <c>GetOutputSchema</c> promises.</summary>
    public static SchemaShape.Column[] Shapes(string score, string predictedLabel, string? imageStatus, SchemaShape.Column label)
    {
        var slotNames = new SchemaShape.Column(AnnotationUtils.Kinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, isKey: false);
        var kinds = AnnotationUtils.GetTrainerOutputAnnotation();
        var hasValues = label.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out var values) && values.Kind == SchemaShape.Column.VectorKind.Vector;
        SchemaShape.Column[] trainingValues = hasValues
            ? [new(AnnotationUtils.Kinds.TrainingLabelValues, SchemaShape.Column.VectorKind.Vector, values.ItemType, isKey: false)]
            : [];
        SchemaShape.Column[] keyValues = hasValues ? [values] : [];
        return
        [
            new(score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false, new SchemaShape([slotNames, .. trainingValues, .. kinds])),
            new(predictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, isKey: true, new SchemaShape([.. keyValues, .. kinds])),
            .. imageStatus is null ? [] : (SchemaShape.Column[])[new(imageStatus, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, isKey: false)],
        ];
    }
}
