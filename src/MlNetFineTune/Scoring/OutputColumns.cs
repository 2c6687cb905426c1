using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Scoring;

/// <summary>The two columns a classifier adds, as ML.NET's own multiclass trainers describe theirs.</summary>
internal static class OutputColumns
{
    /// <summary>Score first, then the predicted label.</summary>
    public static DataViewSchema.DetachedColumn[] Create(string score, string predictedLabel, LabelKeys keys)
    {
        var scoreAnnotations = new DataViewSchema.Annotations.Builder();
        var names = new VBuffer<ReadOnlyMemory<char>>(keys.Count, [.. keys.Names.Select(name => name.AsMemory())]);
        scoreAnnotations.AddSlotNames(keys.Count, (ref VBuffer<ReadOnlyMemory<char>> value) => names.CopyTo(ref value));
        AddText(AnnotationUtils.Kinds.ScoreColumnKind, AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification);
        AddText(AnnotationUtils.Kinds.ScoreValueKind, AnnotationUtils.Const.ScoreValueKind.Score);
        scoreAnnotations.Add(AnnotationUtils.Kinds.ScoreColumnSetId, AnnotationUtils.ScoreColumnSetIdType, (ref uint value) => value = 1);

        var labelAnnotations = new DataViewSchema.Annotations.Builder();
        keys.AddTo(labelAnnotations, AnnotationUtils.Kinds.KeyValues);
        return
        [
            new(score, new VectorDataViewType(NumberDataViewType.Single, keys.Count), scoreAnnotations.ToAnnotations()),
            new(predictedLabel, new KeyDataViewType(typeof(uint), keys.Count), labelAnnotations.ToAnnotations()),
        ];

        void AddText(string kind, string text) =>
            scoreAnnotations.Add(kind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = text.AsMemory());
    }

    /// <summary>The same, before training: what <c>GetOutputSchema</c> promises.</summary>
    public static SchemaShape.Column[] Shapes(string score, string predictedLabel, SchemaShape.Column label)
    {
        var slotNames = new SchemaShape.Column(AnnotationUtils.Kinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, isKey: false);
        SchemaShape.Column[] keyValues = label.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out var values) ? [values] : [];
        return
        [
            new(score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false, new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation().Prepend(slotNames))),
            new(predictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, isKey: true, new SchemaShape(keyValues)),
        ];
    }
}
