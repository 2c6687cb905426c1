using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Converts bytes to the network's input on the device: pictures are transferred as bytes, a quarter of the size of floats, and become [N,
/// channels, H, W] in channels-last layout without a copy.
/// </summary>
internal sealed class PixelNormalizer : Collator
{
    /// <summary>Weights of red, green and blue in the luminance: ITU-R BT.601, as in Pillow and torchvision.</summary>
    public static readonly float[] Luminance = [0.299f, 0.587f, 0.114f];

    private readonly Tensor _mean;
    private readonly Tensor _scale;
    private readonly Tensor? _luminance;
    private readonly Device _device;
    private readonly int _size;

    /// <param name="preprocessing">Mean and standard deviation; their averages for luminance.</param>
    /// <param name="device">Device of the result.</param>
    /// <param name="channels">3 for colours, 1 for luminance.</param>
    public PixelNormalizer(ImagePreprocessing preprocessing, Device device, int channels = InputChannels.Colors)
    {
        using var scope = NewDisposeScope();
        _size = preprocessing.Size;
        _device = device;
        if (channels == 1)
            _luminance = tensor(Luminance, [3, 1], device: device).DetachFromDisposeScope();
        // One value for each number of a line of pixels: with three values, broadcasting would process each pixel separately.
        var (means, scales) = MeansAndScales(preprocessing, channels);
        _mean = tensor(means, device: device).repeat(_size).DetachFromDisposeScope();
        _scale = tensor(scales, device: device).repeat(_size).DetachFromDisposeScope();
    }

    /// <summary>The values that are subtracted from pixels of 0 to 255 and then multiplied with: one per channel.</summary>
    public static (float[] Means, float[] Scales) MeansAndScales(ImagePreprocessing preprocessing, int channels)
    {
        var (mean, std) = channels == 1 ? (Grey(preprocessing.Mean), Grey(preprocessing.Std)) : (preprocessing.Mean, preprocessing.Std);
        float[] means = [mean.Red * 255, mean.Green * 255, mean.Blue * 255],
        scales = [1 / (std.Red * 255), 1 / (std.Green * 255), 1 / (std.Blue * 255)];
        return (means[..channels], scales[..channels]);
    }

    /// <summary>Normalises a colour, with components from 0 to 1, to the network's input: one number for each channel.</summary>
    public static float[] Normalize(ColorTriple color, PictureForm form)
    {
        var (means, scales) = MeansAndScales(form.Preprocessing, form.Channels);
        float[] parts = [color.Red, color.Green, color.Blue];
        if (form.Channels == 1)
            parts = [parts.Zip(Luminance).Sum(part => part.First * part.Second)];
        return [.. parts.Select((part, channel) => (part * 255 - means[channel]) * scales[channel])];
    }

    /// <param name="pixels">[count, size, size, 3].</param>
    /// <param name="count">Number of pictures; <paramref name="pixels"/> may be longer.</param>
    /// <returns>[count, channels, size, size]. The caller disposes it.</returns>
    public Tensor Normalize(ReadOnlySpan<byte> pixels, int count)
    {
        using var scope = NewDisposeScope();
        var bytes = empty([count * _size, _size * 3], ScalarType.Byte);
        pixels[..(int)bytes.numel()].CopyTo(bytes.bytes);
        var lines = bytes.to(_device).to_type(ScalarType.Float32); // [N * H, W * 3]
        if (_luminance is not null)
            lines = lines.view(-1, 3).matmul(_luminance).view(-1, _size); // [N * H, W]
        // [N, channels, H, W], the same memory
        return lines.sub_(_mean).mul_(_scale).view(count, _size, _size, -1).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    private static ColorTriple Grey(ColorTriple triple)
    {
        var average = (triple.Red + triple.Green + triple.Blue) / 3;
        return new(average, average, average);
    }

    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count) => ToTensor(samples, count);

    public Tensor ToTensor(ReadOnlySpan<byte> rows, int count) => Normalize(rows, count);

    public override void Dispose()
    {
        _mean.Dispose();
        _scale.Dispose();
        _luminance?.Dispose();
    }
}
