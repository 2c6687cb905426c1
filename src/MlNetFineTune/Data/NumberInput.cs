using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>A column of numbers or keys, encoded as consecutive floats.</summary>
/// <param name="shape">Name and shape of the column.</param>
/// <param name="role">Role of the column in messages.</param>
/// <param name="allowsMissing">Whether NaN is accepted.</param>
internal sealed class NumberInput(ModuleContext.InputShape shape, string role = "module input", bool allowsMissing = false) : ModelInput
{
    // Limits of one forward pass: a few MiB of numbers, and 256 rows.
    private const int LargestBatch = 256;
    private const int LargestBatchNumbers = 1 << 20;

    public override int Length => shape.Size * sizeof(float);

    public override IReadOnlyList<ModuleContext.InputShape> Shapes => [shape];

    public override string Form => FormattableString.Invariant(
        $"{JsonEncodedText.Encode(shape.Column)} [{string.Join(", ", shape.Dimensions)}] of ")
        + (shape.KeyCount > 0 ? FormattableString.Invariant($"{shape.KeyCount - 1} keys") : "numbers");

    public override int ScoringBatch(bool isOnGpu) => BatchOf(shape.Size);

    /// <summary>Number of rows in one forward pass for a given number of values per row.</summary>
    public static int BatchOf(long numbers) => (int)Math.Clamp(LargestBatchNumbers / numbers, 1, LargestBatch);

    public override Collator CreateCollator(Device device) => new NumberCollator(shape, device);

    public override byte[] ProbeSample()
    {
        var values = new float[shape.Size];
        for (var i = 0; i < values.Length; i++)
            values[i] = ProbeValue(i, shape.KeyCount);
        return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    /// <summary>The i-th number of the generated probe sample.</summary>
    public static float ProbeValue(int i, int keyCount) => keyCount > 0 ? (i + 1) % keyCount : (float)Math.Sin(0.7 * (i + 1));

    public override IReadOnlyList<TensorColumn> ToTensors() =>
        [new NumberTensor(shape.KeyCount > 0 ? NumberTensor.OnlyKeys : NumberTensor.OnlyNumbers, shape, allowsMissing)];

    public override InputManifest Describe() => new NumberInputManifest(shape.Column, shape.Dimensions, shape.KeyCount);

    public override (string Name, VectorDataViewType Type)? Numbers => shape.KeyCount == 0
        ? (shape.Column, new VectorDataViewType(NumberDataViewType.Single, shape.Size))
        : null;

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix)
    {
        var column = schema.GetColumnOrNull(shape.Column) ?? throw context.ExceptSchemaMismatch("input", prefix + role, shape.Column);
        var found = ModuleInputShapes.Of(column);
        return found is not null && found.Size == shape.Size && found.KeyCount == shape.KeyCount
            ? [column]
            : throw context.ExceptSchemaMismatch(
                "input", prefix + role, column.Name, ModuleInputShapes.Describe(shape), column.Type.ToString());
    }

    public override DatasetBuilder Collect(IHost host, DataViewRow row) => new Collector(Open(row, capacity: 64));

    public override RowReader Read(IHost host, DataViewRow row, int places) => new Reader(Open(row, places));

    private Store Open(DataViewRow row, int capacity) =>
        new(shape, allowsMissing, NumberCells.Reader(row, row.Schema[shape.Column], shape.KeyCount), capacity);

    private sealed class Collector(Store store) : DatasetBuilder
    {
        private int _count;

        public override void Collect() => store.Take(_count++);

        public override Dataset ToRows() => new Rows(store, _count);

        public override void Dispose()
        {
        }
    }

    private sealed class Rows(Store store, int count) : Dataset
    {
        public override int Count => count;

        public override int Length => store.Length;

        public override string Noun => "row";

        public override ContentHash? ContentOf(int row)
        {
            var bytes = new byte[Length];
            return store.Encode(row, bytes) is null ? ContentHash.Of(bytes) : null;
        }

        public override string? Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) =>
            store.Encode(row, output);

        public override void Dispose()
        {
        }
    }

    private sealed class Reader(Store store) : RowReader
    {
        public override int Length => store.Length;

        public override string Noun => "row";

        public override void Take(int place) => store.Take(place);

        public override string? Encode(int place, Augmentation view, Span<byte> output) => store.Encode(place, output);

        public override string Describe(int place) => "a row";
    }

    /// <summary>Values by row index or place.</summary>
    private sealed class Store(ModuleContext.InputShape shape, bool allowsMissing, NumberCells.Next next, int capacity)
    {
        private readonly int _size = shape.Size;
        private float[] _values = new float[capacity * shape.Size];

        public int Length => _size * sizeof(float);

        public void Take(int place)
        {
            var end = checked((place + 1) * _size);
            if (end > _values.Length)
                Array.Resize(ref _values, (int)Math.Min(Math.Max(end, 2L * _values.Length), Array.MaxLength));
            var values = next();
            if (values.Length != _size)
            {
                throw new InvalidOperationException(
                    $"A row has {values.Length} values in column '{shape.Column}', whose type promises {_size}.");
            }
            values.CopyTo(_values.AsSpan(end - _size));
        }

        public string? Encode(int place, Span<byte> output)
        {
            var values = _values.AsSpan(place * _size, _size);
            for (var i = 0; i < values.Length; i++)
            {
                if (!float.IsFinite(values[i]) && !(allowsMissing && float.IsNaN(values[i])))
                    return $"column '{shape.Column}' is "
                        + $"{(float.IsNaN(values[i]) ? "missing (NaN)" : "infinite")}{(_size > 1 ? $" in slot {i}" : "")}";
            }
            MemoryMarshal.AsBytes(values).CopyTo(output);
            return null;
        }
    }
}
