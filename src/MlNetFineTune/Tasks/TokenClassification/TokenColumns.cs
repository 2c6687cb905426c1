using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The columns of a model that labels words, vectors as long as the row has words: probabilities, predicted labels, and the entities as
/// numbers and types. All are empty for a row that could not be scored.
/// </summary>
/// <param name="columns">Names of the columns that the task reads and writes.</param>
/// <param name="tags">The outputs for a word.</param>
internal sealed class TokenColumns(TaskColumns columns, WordTags tags) : ScoreColumns
{
    public const string Spans = "PredictedSpans";

    public const string SpanTypes = "PredictedSpanTypes";

    /// <summary>Kind of the annotation of the predicted labels with their scheme.</summary>
    public const string SchemeKind = "LabelScheme";

    // ML.NET has no such kind; its evaluators for other kinds must not use these columns.
    private const string Kind = "TokenClassification";

    public override DataViewSchema.DetachedColumn[] Create(DataViewSchema input)
    {
        var set = ScoreColumnSet(input);
        var scores = new DataViewSchema.Annotations.Builder();
        var names = new VBuffer<ReadOnlyMemory<char>>(tags.Count, [.. tags.Names.Select(name => name.AsMemory())]);
        scores.Add(
            AnnotationUtils.Kinds.TrainingLabelValues, new VectorDataViewType(TextDataViewType.Instance, tags.Count),
            (ref VBuffer<ReadOnlyMemory<char>> value) => names.CopyTo(ref value));
        AddKinds(scores, set, Kind, AnnotationUtils.Const.ScoreValueKind.Score);
        var labels = new DataViewSchema.Annotations.Builder();
        AddKinds(labels, set, Kind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel);
        labels.Add(
            SchemeKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = tags.Scheme.ToString().AsMemory());
        return
        [
            new(columns.Score, new VectorDataViewType(NumberDataViewType.Single), scores.ToAnnotations()),
            new(columns.PredictedLabel, new VectorDataViewType(TextDataViewType.Instance), labels.ToAnnotations()),
            new(Spans, new VectorDataViewType(NumberDataViewType.Int32)),
            new(SpanTypes, new VectorDataViewType(TextDataViewType.Instance)),
            .. StatusColumns(columns.Status),
        ];
    }

    public override Delegate Getter(int column, IScoredRows batch, Func<int> place) => column switch
    {
        0 => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => CopyScores(WordsOf(batch, place), ref value)),
        1 => (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) =>
            Copy(Array.ConvertAll(WordsOf(batch, place).Predict(), label => tags.Names[label].AsMemory()), ref value)),
        2 => (ValueGetter<VBuffer<int>>)((ref VBuffer<int> value) => Copy(NumbersOf(WordsOf(batch, place)), ref value)),
        3 => (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> value) =>
            Copy([.. WordsOf(batch, place).Spans(tags).Select(span => span.Type.AsMemory())], ref value)),
        _ => StatusGetter(batch, place),
    };

    /// <summary>Shapes of the columns, for <c>GetOutputSchema</c>.</summary>
    public static SchemaShape.Column[] Shapes(TaskColumns columns)
    {
        var kinds = AnnotationUtils.GetTrainerOutputAnnotation();
        var names = new SchemaShape.Column(
            AnnotationUtils.Kinds.TrainingLabelValues, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, isKey: false);
        var scheme = new SchemaShape.Column(
            SchemeKind, SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, isKey: false);
        return
        [
            Vector(columns.Score, NumberDataViewType.Single, [names, .. kinds]),
            Vector(columns.PredictedLabel, TextDataViewType.Instance, [scheme, .. kinds]),
            Vector(Spans, NumberDataViewType.Int32, []),
            Vector(SpanTypes, TextDataViewType.Instance, []),
            .. StatusShapes(columns.Status),
        ];

        static SchemaShape.Column Vector(string name, DataViewType type, IEnumerable<SchemaShape.Column> annotations) => new(
            name, SchemaShape.Column.VectorKind.VariableVector, type, isKey: false, new SchemaShape(annotations));
    }

    private ScoredWords WordsOf(IScoredRows batch, Func<int> place) => new(batch.ScoresOf(place()), tags.Count);

    private int[] NumbersOf(ScoredWords words) =>
        [.. words.Spans(tags).SelectMany(span => (int[])[span.FirstWord, span.EndWord, span.Start, span.End])];

    private void CopyScores(ScoredWords words, ref VBuffer<float> value)
    {
        var count = words.Count;
        var editor = VBufferEditor.Create(ref value, count * tags.Count);
        for (var word = 0; word < count; word++)
            words.ProbabilitiesOf(word).CopyTo(editor.Values[(word * tags.Count)..]);
        value = editor.Commit();
    }

    private static void Copy<T>(T[] items, ref VBuffer<T> value)
    {
        var editor = VBufferEditor.Create(ref value, items.Length);
        items.CopyTo(editor.Values);
        value = editor.Commit();
    }
}
