using System.Buffers.Binary;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Collates sequences, padded with 0 to the longest of the batch: [N, T, ...], Float32 or, for keys, Int64; and the mask [N, T], Boolean,
/// false for padding.
/// </summary>
internal sealed class SequenceCollator(SequenceShape shape, Device device) : Collator
{
    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        using var scope = NewDisposeScope();
        var stride = shape.BytesOf(shape.MaximumLength);
        var lengths = new int[count];
        for (var row = 0; row < count; row++)
            lengths[row] = BinaryPrimitives.ReadInt32LittleEndian(samples[(row * stride)..]);

        var longest = Math.Max(1, lengths.Max());
        var stepBytes = shape.StepSize * sizeof(float);
        var values = zeros([count, longest * shape.StepSize], ScalarType.Float32);
        var mask = zeros([count, longest], ScalarType.Bool);
        var valueBytes = values.bytes;
        var maskBytes = mask.bytes;
        for (var row = 0; row < count; row++)
        {
            var steps = samples.Slice(row * stride + sizeof(int), lengths[row] * stepBytes);
            steps.CopyTo(valueBytes[(row * longest * stepBytes)..]);
            maskBytes.Slice(row * longest, lengths[row]).Fill(1);
        }

        var placed = values.to(device).reshape([count, longest, .. shape.Step]); // [N, T * F] -> [N, T, ...]
        var typed = shape.KeyCount > 0 ? placed.to_type(ScalarType.Int64) : placed;
        return new ModelInputs(
            typed.MoveToOuterDisposeScope(),
            new Dictionary<string, Tensor> { [shape.Mask.Column] = mask.to(device).MoveToOuterDisposeScope() });
    }

    public override void Dispose()
    {
    }
}
