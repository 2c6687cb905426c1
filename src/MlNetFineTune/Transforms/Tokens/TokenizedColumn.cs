using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>A column of tokens.</summary>
/// <param name="Name">Name of the column.</param>
/// <param name="Type">Its type.</param>
/// <param name="Getter">The <see cref="ValueGetter{TValue}"/> of its type for a row.</param>
internal sealed record TokenizedColumn(string Name, DataViewType Type, Func<TokenizedRow, Delegate> Getter)
{
    private const int NumbersOfOffsets = 2;

    /// <summary>Computes an element of a vector from the row, the index of the element, and whether it is of padding.</summary>
    private delegate T Element<T>(TokenizedRow row, int index, bool isPadding);

    /// <summary>The column for an estimator.</summary>
    public SchemaShape.Column Shape => Type is VectorDataViewType vector
        ? new(
            Name, vector.IsKnownSize ? SchemaShape.Column.VectorKind.Vector : SchemaShape.Column.VectorKind.VariableVector,
            vector.ItemType, isKey: false)
        : new(Name, SchemaShape.Column.VectorKind.Scalar, Type, isKey: false);

    /// <param name="names">Names of the columns.</param>
    /// <param name="texts">Encodes the rows.</param>
    public static IReadOnlyList<TokenizedColumn> All(TokenizedColumnNames names, TextInput texts)
    {
        var (tokenizer, length) = (texts.Tokenizer, names.IsPadded ? texts.MaximumLength : 0);
        var padding = tokenizer.Specials.Padding;
        List<TokenizedColumn> all =
            [Vector<long>(names.Ids, NumberDataViewType.Int64, (row, i, isPadding) => isPadding ? padding : row.Pieces[i].Id)];
        if (names.Mask is { } mask)
            all.Add(Vector(mask, NumberDataViewType.Int64, (_, _, isPadding) => isPadding ? 0L : 1L));
        if (names.Types is { } types)
            all.Add(Vector(types, NumberDataViewType.Int64, (row, i, isPadding) => isPadding || i < row.SecondStart ? 0L : 1L));
        if (names.Tokens is { } tokens)
        {
            all.Add(Vector(
                tokens, TextDataViewType.Instance,
                (row, i, isPadding) => tokenizer.TokenOf(isPadding ? padding : row.Pieces[i].Id).AsMemory()));
        }
        if (names.Offsets is { } offsets)
        {
            all.Add(Vector(
                offsets, NumberDataViewType.Int32,
                (row, i, isPadding) => isPadding ? 0
                    : i % NumbersOfOffsets == 0 ? row.Pieces[i / NumbersOfOffsets].Start
                    : row.Pieces[i / NumbersOfOffsets].End,
                NumbersOfOffsets));
        }
        if (names.Status is { } status)
        {
            all.Add(new(status, TextDataViewType.Instance, row => (ValueGetter<ReadOnlyMemory<char>>)(
                (ref ReadOnlyMemory<char> value) => value = row.Reason.AsMemory())));
        }
        return all;

        TokenizedColumn Vector<T>(string name, PrimitiveDataViewType item, Element<T> element, int perToken = 1) =>
            new(name, new VectorDataViewType(item, length * perToken), row => GetterOf(row, element, length * perToken, perToken));
    }

    // Of a length of 0 as many elements as the row needs.
    private static ValueGetter<VBuffer<T>> GetterOf<T>(TokenizedRow row, Element<T> element, int length, int perToken) =>
        (ref VBuffer<T> value) =>
        {
            var used = row.Pieces.Count * perToken;
            var editor = VBufferEditor.Create(ref value, length > 0 ? length : used);
            for (var i = 0; i < editor.Values.Length; i++)
                editor.Values[i] = element(row, i, i >= used);
            value = editor.Commit();
        };
}
