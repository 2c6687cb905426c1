using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Data.IO;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.Rows;

/// <summary>The classes of a key column: how many, their values in the key's own type, and their names as text.</summary>
internal abstract class LabelKeys
{
    // A head of so many classes on 1280 features is half a gigabyte; what claims more is a hash or a row number.
    private const int MaximumClasses = 100_000;

    private protected LabelKeys(IReadOnlyList<string> names) => Names = names;

    /// <summary>Key values of other types become text; a key without values is named by index from 0.</summary>
    public IReadOnlyList<string> Names { get; }

    public int Count => Names.Count;

    /// <summary>The type of the key values; null where the key has none.</summary>
    public abstract PrimitiveDataViewType? ValueType { get; }

    public static LabelKeys Of(DataViewSchema.Column column)
    {
        var size = ((KeyDataViewType)column.Type).Count;
        if (size > MaximumClasses)
            throw new InvalidOperationException($"The label column '{column.Name}' has {size:N0} keys; at most {MaximumClasses:N0} classes can be told apart. A hash is not a label: Conversion.MapValueToKey counts the values there are.");
        var count = (int)size;
        if (column.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is not VectorDataViewType { ItemType: var itemType })
            return new WithoutValues(count);
        return MlNet.Generic.Invoke(itemType.RawType, new FromAnnotation(column, itemType));
    }

    /// <summary>The annotation that lets <c>MapKeyToValue</c> give back the original values.</summary>
    public abstract void AddTo(DataViewSchema.Annotations.Builder annotations, string kind);

    /// <summary>In ML.NET's own encoding, which knows every primitive type.</summary>
    public abstract void Save(IHostEnvironment env, BinaryWriter writer);

    public static LabelKeys Load(IHostEnvironment env, BinaryReader reader)
    {
        var count = reader.ReadInt32();
        if (count is < 1 or > MaximumClasses)
            throw new InvalidDataException($"The model claims {count} classes.");
        if (!reader.ReadBoolean())
            return new WithoutValues(count);
        var saver = new BinarySaver(env, new BinarySaver.Arguments());
        if (!saver.TryLoadTypeAndValue(reader.BaseStream, out var type, out var value) || type is not VectorDataViewType vector || vector.Size != count)
            throw new InvalidDataException("The model's label values cannot be read.");
        return MlNet.Generic.Invoke(vector.ItemType.RawType, new FromValue(vector.ItemType, value));
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

    private sealed class WithoutValues(int count) : LabelKeys([.. Enumerable.Range(0, count).Select(i => i.ToString(CultureInfo.InvariantCulture))])
    {
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

    private sealed class WithValues<T>(PrimitiveDataViewType itemType, T[] values) : LabelKeys([.. values.Select(Text)])
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

        private static string Text(T value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
    }
}
