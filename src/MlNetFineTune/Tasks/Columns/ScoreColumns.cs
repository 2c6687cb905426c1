using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The columns that a fitted model adds, with the annotations of ML.NET's own trainers, so that its evaluators find them.
/// </summary>
internal abstract class ScoreColumns
{
    /// <summary>The columns, in order.</summary>
    public abstract DataViewSchema.DetachedColumn[] Create(DataViewSchema input);

    /// <summary>A <see cref="ValueGetter{TValue}"/> of the column's type.</summary>
    /// <param name="column">Index of the column among these.</param>
    /// <param name="batch">Scored rows.</param>
    /// <param name="place">Index of the current row in the batch.</param>
    public abstract Delegate Getter(int column, IScoredRows batch, Func<int> place);

    /// <summary>The column with the reason (text) why a row could not be read; none if it has no name.</summary>
    protected static DataViewSchema.DetachedColumn[] StatusColumns(string? status) =>
        status is null ? [] : [new(status, TextDataViewType.Instance)];

    /// <summary>Shapes of the columns, for <c>GetOutputSchema</c>.</summary>
    protected static SchemaShape.Column[] StatusShapes(string? status) =>
        status is null ? [] : [new(status, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, isKey: false)];

    protected static Delegate StatusGetter(IScoredRows batch, Func<int> place) =>
        (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = batch.StatusOf(place()));

    /// <summary>The score set id of ML.NET: columns of one scorer share a number that is unique in the pipeline.</summary>
    protected static uint ScoreColumnSet(DataViewSchema input) =>
        checked(input.GetMaxAnnotationKind(out _, AnnotationUtils.Kinds.ScoreColumnSetId) + 1);

    protected static void AddKinds(DataViewSchema.Annotations.Builder annotations, uint set, string columnKind, string valueKind)
    {
        annotations.Add(AnnotationUtils.Kinds.ScoreColumnSetId, AnnotationUtils.ScoreColumnSetIdType, (ref uint value) => value = set);
        AddText(AnnotationUtils.Kinds.ScoreColumnKind, columnKind);
        AddText(AnnotationUtils.Kinds.ScoreValueKind, valueKind);

        void AddText(string kind, string text) =>
            annotations.Add(kind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = text.AsMemory());
    }

    protected static DataViewSchema.DetachedColumn Scalar(string name, DataViewType type, uint set, string columnKind, string valueKind)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        AddKinds(annotations, set, columnKind, valueKind);
        return new(name, type, annotations.ToAnnotations());
    }

    /// <summary>A getter of the first number of a row's scores, converted.</summary>
    protected static Delegate NumberGetter(IScoredRows batch, Func<int> place, Func<float, float> convert) =>
        (ValueGetter<float>)((ref float value) => value = convert(batch.ScoresOf(place())[0]));
}
