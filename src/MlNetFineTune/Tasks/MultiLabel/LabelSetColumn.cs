using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Tasks;

/// <summary>
/// A column with the labels of a row: a Boolean for each label, or the keys of the row's labels in any order and number. Missing keys are
/// ignored; a row with an empty vector has none of the labels, so that no row's label is missing.
/// </summary>
internal sealed class LabelSetColumn
{
    public const string Expected = "Vector<Boolean> of known size, or Vector<Key>";

    private readonly DataViewSchema.Column _column;

    // For each label of the column, its index among the scores.
    private readonly int[] _places;

    private LabelSetColumn(DataViewSchema.Column column, int[] places, IReadOnlyList<string> names) =>
        (_column, _places, Names) = (column, places, names);

    /// <summary>Words of messages for what the labels are matched with.</summary>
    /// <param name="Schema">Name of the data.</param>
    /// <param name="Role">Role of the column.</param>
    /// <param name="Unknown">Continuation of "The column has labels".</param>
    /// <param name="Known">Text before the names of the known labels.</param>
    public sealed record Purpose(string Schema, string Role, string Unknown, string Known)
    {
        public static Purpose Evaluation { get; } = new("data", "label", "for which there are no scores", "There are scores for");

        public static Purpose Validation { get; } =
            new("validation", "validation label", "that the training data do not know", "They know");
    }

    /// <summary>Sets a Boolean for each label of the current row.</summary>
    public delegate void Fill(Span<bool> labels);

    /// <summary>Names of the labels, in the order of the scores.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>
    /// Keys are matched with the scores by name if both have names, since key indices may differ between data. Booleans are matched by
    /// position, unless their slots have the same names in another order.
    /// </summary>
    /// <param name="context">Context of exceptions.</param>
    /// <param name="schema">Schema of the evaluated data.</param>
    /// <param name="name">Name of the label column.</param>
    /// <param name="scored">Names of the labels in the order of the scores; null if they have none.</param>
    /// <param name="count">Number of scores per row.</param>
    /// <param name="purpose">The purpose of the column, for messages. Default: <see cref="Purpose.Evaluation"/>.</param>
    public static LabelSetColumn Find(
        IExceptionContext context, DataViewSchema schema, string name, IReadOnlyList<string>? scored, int count, Purpose? purpose = null)
    {
        purpose ??= Purpose.Evaluation;
        var column = schema.GetColumnOrNull(name) ?? throw context.ExceptSchemaMismatch(purpose.Schema, purpose.Role, name);
        return Of(context, column, scored, count, purpose);
    }

    /// <summary>As <see cref="Find"/>, for a given column.</summary>
    public static LabelSetColumn Of(
        IExceptionContext context, DataViewSchema.Column column, IReadOnlyList<string>? scored, int count, Purpose purpose) =>
        column.Type switch
        {
            VectorDataViewType { ItemType: KeyDataViewType key } => OfKeys(context, column, key, scored, count, purpose),
            VectorDataViewType { Size: > 0, ItemType: BooleanDataViewType } => OfBooleans(context, column, scored, count, purpose),
            _ => throw context.ExceptSchemaMismatch(purpose.Schema, purpose.Role, column.Name, Expected, column.Type.ToString()),
        };

    /// <summary>Names of the labels of a vector of Booleans: the slot names, or the index for a slot without a name.</summary>
    public static string[] NamesOfSlots(DataViewSchema.Column column)
    {
        var count = ((VectorDataViewType)column.Type).Size;
        var indices = NamesOf(null, count);
        var own = EvaluatedColumns.NamesOf(column, AnnotationUtils.Kinds.SlotNames, count) ?? indices;
        return [.. own.Select((name, index) => string.IsNullOrWhiteSpace(name) ? indices[index] : name)];
    }

    /// <param name="row">The cursor.</param>
    public Fill Reader(DataViewRow row)
    {
        var item = ((VectorDataViewType)_column.Type).ItemType.RawType;
        return item == typeof(bool) ? BooleanReader(row)
            : item == typeof(byte) ? KeyReader<byte>(row, key => key)
            : item == typeof(ushort) ? KeyReader<ushort>(row, key => key)
            : item == typeof(uint) ? KeyReader<uint>(row, key => key)
            : KeyReader<ulong>(row, key => key);
    }

    private static LabelSetColumn OfBooleans(
        IExceptionContext context, DataViewSchema.Column column, IReadOnlyList<string>? scored, int count, Purpose purpose)
    {
        var size = ((VectorDataViewType)column.Type).Size;
        if (size != count)
        {
            throw context.ExceptSchemaMismatch(
                purpose.Schema, purpose.Role, column.Name, $"Vector<Boolean, {count}>, one for each score", column.Type.ToString());
        }
        var own = EvaluatedColumns.NamesOf(column, AnnotationUtils.Kinds.SlotNames, size);
        var places = own is null || scored is null ? null : PlacesAmong(scored, own);
        return new(column, places is not null && !places.Contains(-1) ? places : InOrder(count), NamesOf(scored ?? own, count));
    }

    private static LabelSetColumn OfKeys(
        IExceptionContext context, DataViewSchema.Column column, KeyDataViewType key, IReadOnlyList<string>? scored, int count,
        Purpose purpose)
    {
        var own = key.Count <= int.MaxValue ? EvaluatedColumns.NamesOf(column, AnnotationUtils.Kinds.KeyValues, (int)key.Count) : null;
        if (own is not null && scored is not null && PlacesAmong(scored, own) is { } places)
        {
            var unknown = own.Where((_, index) => places[index] < 0).ToArray();
            if (unknown.Length == 0)
                return new(column, places, scored);
            throw context.Except(
                $"The {purpose.Role} column {SafeText.Quoted(column.Name)} has labels {purpose.Unknown}: "
                + $"{SafeText.Several(unknown, quoted: true)}. "
                + $"{purpose.Known}: {SafeText.Several(scored, quoted: true)}. "
                + "Make the keys by the Conversion.MapValueToKey that was fitted to the training data.");
        }
        if (key.Count != (ulong)count)
        {
            throw context.ExceptSchemaMismatch(
                purpose.Schema, purpose.Role, column.Name, $"Vector<Key<UInt32, 0-{count - 1}>>, one key for each score",
                column.Type.ToString());
        }
        return new(column, InOrder(count), NamesOf(scored ?? own, count));
    }

    // Null if names are not unique.
    private static int[]? PlacesAmong(IReadOnlyList<string> scored, string[] own)
    {
        if (scored.Distinct(StringComparer.Ordinal).Count() < scored.Count || own.Distinct(StringComparer.Ordinal).Count() < own.Length)
            return null;
        var places = scored.Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
        return Array.ConvertAll(own, name => places.GetValueOrDefault(name, -1));
    }

    private static int[] InOrder(int count) => [.. Enumerable.Range(0, count)];

    private static IReadOnlyList<string> NamesOf(IReadOnlyList<string>? names, int count) =>
        names ?? (string[])[.. Enumerable.Range(0, count).Select(index => index.ToString(CultureInfo.InvariantCulture))];

    private Fill BooleanReader(DataViewRow row)
    {
        var values = new VectorColumn<bool>(row, _column);
        return labels =>
        {
            var given = values.Next();
            for (var i = 0; i < given.Length; i++)
                labels[_places[i]] = given[i];
        };
    }

    private Fill KeyReader<T>(DataViewRow row, Func<T, ulong> number)
    {
        var values = new VectorColumn<T>(row, _column);
        return labels =>
        {
            labels.Clear();
            foreach (var value in values.Next())
            {
                // From 1; 0 and values beyond the key's count are missing.
                var key = number(value);
                if (key > 0 && key <= (ulong)_places.Length)
                    labels[_places[key - 1]] = true;
            }
        };
    }
}
