using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// A column of vectors of variable length. An encoded sample contains the number of steps in its first four bytes, then their numbers; the
/// rest is undefined.
/// </summary>
internal sealed class SequenceInput(SequenceShape shape) : ModelInput
{
    public const string Expected =
        "Vector of Single or of Key, of known or unknown size (Conversion.ConvertType and MapValueToKey make them)";

    // Steps of the generated probe sample: enough for neighbours on either side.
    private const int ProbeSteps = 8;

    public override int Length => shape.BytesOf(shape.MaximumLength);

    public override IReadOnlyList<ModuleContext.InputShape> Shapes => [shape.Values, shape.Mask];

    public override string Form => FormattableString.Invariant(
        $"{JsonEncodedText.Encode(shape.Column)}: sequences of up to {shape.MaximumLength} steps [{string.Join(", ", shape.Step)}] of ")
        + FormattableString.Invariant($"{(shape.KeyCount > 0 ? $"{shape.KeyCount - 1} keys" : "numbers")}");

    public override int ScoringBatch(bool isOnGpu) => NumberInput.BatchOf(shape.Values.Size);

    public override Collator CreateCollator(Device device) => new SequenceCollator(shape, device);

    public override IReadOnlyList<TensorColumn> ToTensors() => throw new NotSupportedException(
        $"Column '{shape.Column}' is a sequence, which enters with a mask beside it, and no layer that the exporter knows takes a mask. "
        + "Write the module in Python and use torch.onnx.export there with the weights of SaveWeights.");

    public override InputManifest Describe() => new SequenceInputManifest(shape.Column, shape.Step, shape.MaximumLength, shape.KeyCount);

    public override byte[] ProbeSample()
    {
        var sample = new byte[Length];
        var steps = Math.Min(ProbeSteps, shape.MaximumLength);
        BinaryPrimitives.WriteInt32LittleEndian(sample, steps);
        var values = MemoryMarshal.Cast<byte, float>(sample.AsSpan(sizeof(int), steps * shape.StepSize * sizeof(float)));
        for (var i = 0; i < values.Length; i++)
            values[i] = NumberInput.ProbeValue(i, shape.KeyCount);
        return sample;
    }

    public override DataViewSchema.Column[] ColumnsOf(IExceptionContext context, DataViewSchema schema, string prefix)
    {
        var column = schema.GetColumnOrNull(shape.Column)
            ?? throw context.ExceptSchemaMismatch("input", prefix + "module input", shape.Column);
        return KeyCountOf(column.Type) == shape.KeyCount
            ? [column]
            : throw context.ExceptSchemaMismatch(
                "input", prefix + "module input", column.Name,
                shape.KeyCount > 0 ? $"Vector of keys of {shape.KeyCount - 1} values" : "Vector of Single", column.Type.ToString());
    }

    /// <summary>Number of key values including the missing one, 0 for numbers; null for a column that is not a sequence.</summary>
    public static int? KeyCountOf(DataViewType type) => type is not VectorDataViewType { ItemType: var item } ? null
        : item == NumberDataViewType.Single ? 0
        : item is KeyDataViewType { Count: <= ModuleInputShapes.MaximumKeys } key ? (int)key.Count + 1
        : null;

    public override DatasetBuilder Collect(IHost host, DataViewRow row) => new Collector(shape, Cells(row));

    public override RowReader Read(IHost host, DataViewRow row, int places) => new Reader(shape, Cells(row), places);

    private NumberCells.Next Cells(DataViewRow row) => NumberCells.Reader(row, row.Schema[shape.Column], shape.KeyCount);

    /// <returns>Null, or the reason why the row cannot be used.</returns>
    private static string? Encode(SequenceShape shape, ReadOnlySpan<float> values, Span<byte> output)
    {
        if (values.Length == 0)
            return $"column '{shape.Column}' is empty";
        if (values.Length % shape.StepSize != 0)
        {
            return $"column '{shape.Column}' has {values.Length} numbers, which are no whole steps of "
                + $"[{string.Join(", ", shape.Step)}] = {shape.StepSize}";
        }
        var kept = values[..(int)Math.Min(values.Length, (long)shape.MaximumLength * shape.StepSize)];
        for (var i = 0; i < kept.Length; i++)
        {
            if (!float.IsFinite(kept[i]))
                return $"column '{shape.Column}' is {(float.IsNaN(kept[i]) ? "missing (NaN)" : "infinite")} in slot {i}";
        }
        BinaryPrimitives.WriteInt32LittleEndian(output, kept.Length / shape.StepSize);
        MemoryMarshal.AsBytes(kept).CopyTo(output[sizeof(int)..]);
        return null;
    }

    private sealed class Collector(SequenceShape shape, NumberCells.Next next) : DatasetBuilder
    {
        private readonly List<float> _values = [];
        private readonly List<int> _ends = [];
        private int _cut;

        public override void Collect()
        {
            var values = next();
            var most = (int)Math.Min((long)shape.MaximumLength * shape.StepSize, Array.MaxLength);
            if (values.Length > most && values.Length % shape.StepSize == 0)
            {
                _cut++;
                values = values[..most];
            }
            _values.AddRange(values);
            _ends.Add(_values.Count);
        }

        public override Dataset ToRows() => new Rows(shape, [.. _values], [.. _ends], _cut);

        public override void Dispose()
        {
        }
    }

    private sealed class Rows(SequenceShape shape, float[] values, int[] ends, int cut) : Dataset
    {
        public override int Count => ends.Length;

        public override int Length { get; } = shape.BytesOf(shape.MaximumLength);

        public override string Noun => "row";

        public override string? DescribeStorage() => cut == 0
            ? null
            : $"{cut} of {Count} rows have more than {shape.MaximumLength} steps in column '{shape.Column}', which is the most that enter: "
                + "the rest of them is left out.";

        public override string? Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) =>
            SequenceInput.Encode(shape, values.AsSpan()[(row == 0 ? 0 : ends[row - 1])..ends[row]], output);

        public override void Dispose()
        {
        }
    }

    private sealed class Reader(SequenceShape shape, NumberCells.Next next, int places) : RowReader
    {
        private readonly float[][] _values = new float[places][];

        public override int Length { get; } = shape.BytesOf(shape.MaximumLength);

        public override string Noun => "row";

        public override void Take(int place) => _values[place] = next().ToArray();

        public override string? Encode(int place, Augmentation view, Span<byte> output) =>
            SequenceInput.Encode(shape, _values[place], output);

        public override string Describe(int place) => "a row";
    }
}
