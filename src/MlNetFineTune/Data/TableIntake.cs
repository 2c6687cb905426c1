using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>Rows of several inputs to one tensor of floats: [count, numbers of all inputs], pictures normalised.</summary>
internal sealed class TableIntake : Intake
{
    private readonly (int Bytes, int Size, PixelNormalizer? Pixels)[] _parts;
    private readonly Device _device;

    /// <param name="inputs">What enters.</param>
    /// <param name="shapes">How it looks.</param>
    /// <param name="device">Where to.</param>
    public TableIntake(IReadOnlyList<ModuleInput> inputs, IReadOnlyList<ModuleContext.InputShape> shapes, Device device)
    {
        _device = device;
        _parts = [.. inputs.Zip(shapes, (input, shape) => input is ModuleInput.PictureInput picture
            ? (shape.Size, shape.Size, new PixelNormalizer(picture.Preprocessing, device))
            : (shape.Size * sizeof(float), shape.Size, (PixelNormalizer?)null))];
    }

    public override Tensor ToTensor(ReadOnlySpan<byte> rows, int count)
    {
        using var scope = NewDisposeScope();
        var length = _parts.Sum(part => part.Bytes);
        if (_parts.All(part => part.Pixels is null))
            return Floats(MemoryMarshal.Cast<byte, float>(rows[..(count * length)]), count).MoveToOuterDisposeScope();

        var columns = new List<Tensor>();
        var offset = 0;
        foreach (var (bytes, _, pixels) in _parts)
        {
            var part = new byte[count * bytes];
            for (var row = 0; row < count; row++)
                rows.Slice(row * length + offset, bytes).CopyTo(part.AsSpan(row * bytes));
            columns.Add(pixels is null ? Floats(MemoryMarshal.Cast<byte, float>(part), count) : pixels.Normalize(part, count).reshape(count, -1));
            offset += bytes;
        }
        return cat(columns, dim: 1).MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
        foreach (var part in _parts)
            part.Pixels?.Dispose();
    }

    private Tensor Floats(ReadOnlySpan<float> values, int count)
    {
        var host = empty([count, values.Length / count], ScalarType.Float32);
        values.CopyTo(MemoryMarshal.Cast<byte, float>(host.bytes));
        return host.to(_device);
    }
}
