using System.Globalization;
using System.Reflection;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>The classes of a key column: how many, their values in the key's own type, and their names as text.</summary>
internal abstract class LabelKeys
{
    // A head with this many classes on 1280 features takes half a gigabyte; a key with more values is a hash or a row number.
    private const int MaximumClasses = 100_000;

    private readonly IReadOnlyList<string> _exact;
    private Dictionary<string, int>? _placesByValue;
    private Dictionary<string, int>? _placesByName;

    private protected LabelKeys(IReadOnlyList<string> texts, IReadOnlyList<string> exact)
    {
        (Texts, _exact) = (texts, exact);
        var many = texts.CountBy(text => text, StringComparer.Ordinal).Where(count => count.Value > 1).Select(count => count.Key)
            .ToHashSet(StringComparer.Ordinal);
        Names = many.Count == 0 ? texts : [.. texts.Index().Select(text => many.Contains(text.Item) ? exact[text.Index] : text.Item)];
    }

    /// <summary>Key values of other types become text, with all their digits where several look alike (dates below a second); a key without
    /// values is named by index from 0.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The names that earlier versions of this library gave, which did not distinguish values that look alike.</summary>
    public IReadOnlyList<string> Texts { get; }

    public int Count => Names.Count;

    /// <summary>The type of the key values; null where the key has none.</summary>
    public abstract PrimitiveDataViewType? ValueType { get; }

    /// <param name="column">Of a key, or of a vector of keys.</param>
    public static LabelKeys Of(DataViewSchema.Column column)
    {
        var type = column.Type is VectorDataViewType vector ? vector.ItemType : column.Type;
        var size = ((KeyDataViewType)type).Count;
        if (size > MaximumClasses)
            throw new InvalidOperationException(
                $"The label column '{column.Name}' has {size:N0} keys; at most {MaximumClasses:N0} classes can be told apart. "
                + "A hash is not a label: Conversion.MapValueToKey counts the values there are.");
        var count = (int)size;
        if (column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type
            is not VectorDataViewType { ItemType: var itemType })
            return new WithoutValues(count);
        return MlNet.Generic.Invoke(itemType.RawType, new FromAnnotation(column, itemType));
    }

    /// <summary>For each class of other keys its index among these; -1 where it is unknown or ambiguous.
    /// Compared by value where both have values of the same type, else by name.</summary>
    public int[] PlacesOf(LabelKeys others)
    {
        var exact = Equals(ValueType, others.ValueType);
        return exact && _exact.SequenceEqual(others._exact, StringComparer.Ordinal)
            ? [.. Enumerable.Range(0, Count)]
            : [.. (exact ? others._exact : others.Names).Select(text => PlaceOf(text, exact))];
    }

    /// <summary>The index of a value; -1 where it is unknown or ambiguous.</summary>
    /// <param name="text">The value as text.</param>
    /// <param name="exact">Whether the value has the keys' own type and the text is that of <see cref="ValueText.Exact"/>.</param>
    public int PlaceOf(string text, bool exact) => (exact ? _placesByValue ??= Places(_exact) : _placesByName ??= Places(Names))
        .GetValueOrDefault(text, -1);

    private static Dictionary<string, int> Places(IReadOnlyList<string> texts) =>
        texts.Index().GroupBy(text => text.Item, text => text.Index, StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => same.Count() == 1 ? same.First() : -1, StringComparer.Ordinal);

    /// <summary>The annotation that lets <c>MapKeyToValue</c> give back the original values.</summary>
    public abstract void AddTo(DataViewSchema.Annotations.Builder annotations, string kind);

    /// <summary>Writes the key values in ML.NET's own encoding, which supports every primitive type.</summary>
    public abstract void Save(IHostEnvironment env, BinaryWriter writer);

    public static LabelKeys Load(IHostEnvironment env, BinaryReader reader)
    {
        var count = reader.ReadInt32();
        if (count is < 1 or > MaximumClasses)
            throw new InvalidDataException($"The model claims {count} classes.");
        if (!reader.ReadBoolean())
            return new WithoutValues(count);
        var saver = new BinarySaver(env, new BinarySaver.Arguments());
        using var stream = new CompleteStream(reader.BaseStream);
        RequireSizes(stream, count);
        try
        {
            if (!saver.TryLoadTypeAndValue(stream, out var type, out var value) || type is not VectorDataViewType vector
                || vector.Size != count)
                throw new InvalidDataException("The model's label values cannot be read.");
            return MlNet.Generic.Invoke(vector.ItemType.RawType, new FromValue(vector.ItemType, value));
        }
        catch (TargetInvocationException e) when (e.InnerException is { } reason) // ML.NET calls its readers by reflection
        {
            throw new InvalidDataException($"The model's label values cannot be read: {SafeText.Message(reason)}", reason);
        }
    }

    // ML.NET takes memory for whatever sizes a value claims, before it reads any of it. So they must be those that Save writes: the codec
    // of vectors, the length of its parameters (the codec of values, of a primitive type; one dimension, of this size), and one vector of
    // this size, dense and without indices.
    private static void RequireSizes(Stream stream, int count)
    {
        const string vectors = "VBuffer";
        var start = stream.Position;
        try
        {
            using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
            var name = reader.ReadString();
            var end = reader.Read7BitEncodedInt64() + stream.Position;
            var item = reader.ReadString();
            stream.Position = end - 2 * sizeof(int);
            int[] expected = [1, count, 1, count, -1, 0], found = [.. expected.Select(_ => reader.ReadInt32())];
            if (name != vectors || item == vectors || !found.SequenceEqual(expected))
            {
                throw new InvalidDataException(
                    $"The model's label values are {SafeText.Quoted(name)} of {SafeText.Quoted(item)} with sizes "
                    + $"{string.Join(", ", found)}, expected '{vectors}' of a primitive type with {string.Join(", ", expected)}.");
            }
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException) // of texts and lengths that are none
        {
            throw new InvalidDataException($"The model's label values cannot be read: {SafeText.Message(e)}", e);
        }
        stream.Position = start;
    }

    private sealed record FromAnnotation(DataViewSchema.Column Column, PrimitiveDataViewType ItemType) : MlNet.Generic.IFunction<LabelKeys>
    {
        public LabelKeys Invoke<T>()
        {
            VBuffer<T> values = default;
            Column.GetKeyValues(ref values);
            return new WithValues<T>(ItemType, [.. values.DenseValues()]);
        }
    }

    private sealed record FromValue(PrimitiveDataViewType ItemType, object Value) : MlNet.Generic.IFunction<LabelKeys>
    {
        public LabelKeys Invoke<T>() => new WithValues<T>(ItemType, [.. ((VBuffer<T>)Value).DenseValues()]);
    }

    private sealed class WithoutValues : LabelKeys
    {
        public WithoutValues(int count)
            : this([.. Enumerable.Range(0, count).Select(i => i.ToString(CultureInfo.InvariantCulture))])
        {
        }

        private WithoutValues(string[] indices)
            : base(indices, indices)
        {
        }

        public override PrimitiveDataViewType? ValueType => null;

        public override void AddTo(DataViewSchema.Annotations.Builder annotations, string kind)
        {
        }

        public override void Save(IHostEnvironment env, BinaryWriter writer)
        {
            writer.Write(Count);
            writer.Write(false);
        }
    }

    private sealed class WithValues<T>(PrimitiveDataViewType itemType, T[] values)
        : LabelKeys([.. values.Select(ValueText.Of)], [.. values.Select(ValueText.Exact)])
    {
        public override PrimitiveDataViewType ValueType => itemType;

        public override void AddTo(DataViewSchema.Annotations.Builder annotations, string kind) =>
            annotations.Add(kind, new VectorDataViewType(itemType, values.Length), (ref VBuffer<T> value) => Buffer().CopyTo(ref value));

        public override void Save(IHostEnvironment env, BinaryWriter writer)
        {
            writer.Write(Count);
            writer.Write(true);
            var saver = new BinarySaver(env, new BinarySaver.Arguments());
            var buffer = Buffer();
            if (!saver.TryWriteTypeAndValue(writer.BaseStream, new VectorDataViewType(itemType, values.Length), ref buffer, out _))
                throw env.Except($"Labels of type {itemType} cannot be saved.");
        }

        private VBuffer<T> Buffer() => new(values.Length, values);
    }
}
