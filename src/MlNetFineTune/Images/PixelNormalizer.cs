using MlNetFineTune.Rows;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Images;

/// <summary>Bytes to network input on the device: pictures travel as bytes, a quarter of the floats' size, and become [N, 3, H, W] in channels-last layout without moving.</summary>
internal sealed class PixelNormalizer : Intake
{
    private readonly Tensor _mean;
    private readonly Tensor _scale;
    private readonly Device _device;
    private readonly int _size;

    public PixelNormalizer(ImagePreprocessing preprocessing, Device device)
    {
        using var scope = NewDisposeScope();
        var (mean, std) = (preprocessing.Mean, preprocessing.Std);
        _size = preprocessing.Size;
        _device = device;
        // One for each value of a line of pixels: three would make a vector operation of every single pixel.
        _mean = tensor([mean.Red * 255, mean.Green * 255, mean.Blue * 255], device: device).repeat(_size).DetachFromDisposeScope();
        _scale = tensor([1 / (std.Red * 255), 1 / (std.Green * 255), 1 / (std.Blue * 255)], device: device).repeat(_size).DetachFromDisposeScope();
    }

    /// <param name="pixels">[count, size, size, 3].</param>
    /// <param name="count">Pictures; <paramref name="pixels"/> may be longer.</param>
    /// <returns>[count, 3, size, size]. Caller disposes.</returns>
    public Tensor Normalize(ReadOnlySpan<byte> pixels, int count)
    {
        using var scope = NewDisposeScope();
        var bytes = empty([count * _size, _size * 3], ScalarType.Byte);
        pixels[..(int)bytes.numel()].CopyTo(bytes.bytes);
        var lines = bytes.to(_device).to_type(ScalarType.Float32).sub_(_mean).mul_(_scale); // [N * H, W * 3]
        return lines.view(count, _size, _size, 3).permute(0, 3, 1, 2).MoveToOuterDisposeScope(); // [N, 3, H, W], the same memory
    }

    public override Tensor ToTensor(ReadOnlySpan<byte> rows, int count) => Normalize(rows, count);

    public override void Dispose()
    {
        _mean.Dispose();
        _scale.Dispose();
    }
}
