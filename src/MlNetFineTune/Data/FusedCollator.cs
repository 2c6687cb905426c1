using System.Buffers.Binary;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Collates samples of <see cref="FusedInput"/>: pixels as activations, and beside them the tensors of <see cref="TableBranch"/>.
/// </summary>
/// <param name="picture">Collator of the pixels. Disposed with this.</param>
/// <param name="pictureLength">Bytes of a sample's pixels.</param>
/// <param name="columns">Columns of the table.</param>
/// <param name="device">Device of the tensors.</param>
internal sealed class FusedCollator(Collator picture, int pictureLength, IReadOnlyList<ModuleContext.InputShape> columns, Device device)
    : Collator
{
    private readonly int _numbers = columns.Where(column => column.KeyCount == 0).Sum(column => column.Size);
    private readonly int _keys = columns.Where(column => column.KeyCount > 0).Sum(column => column.Size);

    private int BesideLength => (_numbers + _keys + 1) * sizeof(float);

    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        var stride = pictureLength + BesideLength;
        var (pixels, beside) = (new byte[count * pictureLength], new byte[count * BesideLength]);
        for (var row = 0; row < count; row++)
        {
            var sample = samples.Slice(row * stride, stride);
            sample[..pictureLength].CopyTo(pixels.AsSpan(row * pictureLength));
            sample[pictureLength..].CopyTo(beside.AsSpan(row * BesideLength));
        }
        using var scope = NewDisposeScope();
        var activations = picture.Collate(pixels, count).Activations.MoveToOuterDisposeScope();
        return new ModelInputs(activations, CollateBeside(beside, count, outer: true));
    }

    public override IReadOnlyDictionary<string, Tensor> CollateBeside(ReadOnlySpan<byte> beside, int count) =>
        CollateBeside(beside, count, outer: false);

    public override void Dispose() => picture.Dispose();

    private Dictionary<string, Tensor> CollateBeside(ReadOnlySpan<byte> beside, int count, bool outer)
    {
        var (numbers, keys, missing) = (new float[count * _numbers], new long[count * _keys], new float[count]);
        var (number, key) = (0, 0);
        for (var row = 0; row < count; row++)
        {
            foreach (var column in columns)
            {
                for (var i = 0; i < column.Size; i++)
                {
                    var value = Next(ref beside);
                    if (column.KeyCount > 0)
                        keys[key++] = (long)value;
                    else
                        numbers[number++] = value;
                }
            }
            missing[row] = Next(ref beside);
        }
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            [TableBranch.Missing] = tensor(missing, [count, 1], ScalarType.Float32, device),
        };
        if (_numbers > 0)
            tensors.Add(TableBranch.Numbers, tensor(numbers, [count, _numbers], ScalarType.Float32, device));
        if (_keys > 0)
            tensors.Add(TableBranch.Keys, tensor(keys, [count, _keys], ScalarType.Int64, device));
        foreach (var made in tensors.Values)
        {
            made.MoveToOuterDisposeScope();
            if (outer)
                made.MoveToOuterDisposeScope();
        }
        return tensors;

        static float Next(ref ReadOnlySpan<byte> bytes)
        {
            var value = BinaryPrimitives.ReadSingleLittleEndian(bytes);
            bytes = bytes[sizeof(float)..];
            return value;
        }
    }
}
