using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Converts pictures normalised for one network to the normalisation of another, x' = x scale + shift per channel, and resamples them to
/// its size.
/// </summary>
/// <remarks>Bilinear, antialiased when shrinking, as PyTorch's <c>interpolate</c>. Steps without effect are skipped.</remarks>
internal sealed class PixelTranslator : IDisposable
{
    private readonly int _size;
    private readonly Tensor? _scale;
    private readonly Tensor? _shift;

    /// <param name="from">Preprocessing of the given pictures.</param>
    /// <param name="to">Preprocessing of the result.</param>
    /// <param name="channels">3 for colours, 1 for luminance.</param>
    /// <param name="device">Device of the pictures.</param>
    public PixelTranslator(ImagePreprocessing from, ImagePreprocessing to, int channels, Device device)
    {
        _size = to.Size;
        var (means, scales) = PixelNormalizer.MeansAndScales(from, channels);
        var (newMeans, newScales) = PixelNormalizer.MeansAndScales(to, channels);
        if (means.SequenceEqual(newMeans) && scales.SequenceEqual(newScales))
            return;
        using var scope = NewDisposeScope();
        var factors = Enumerable.Range(0, channels).Select(c => (float)((double)newScales[c] / scales[c])).ToArray();
        var shifts = Enumerable.Range(0, channels).Select(c => (float)(((double)means[c] - newMeans[c]) * newScales[c])).ToArray();
        // One for each value of a line of pixels, as in PixelNormalizer.
        _scale = tensor(factors, device: device).repeat(from.Size).DetachFromDisposeScope();
        _shift = tensor(shifts, device: device).repeat(from.Size).DetachFromDisposeScope();
    }

    /// <param name="pixels">[N, channels, H, W] of the first size. The caller keeps ownership.</param>
    /// <returns>[N, channels, H', W'], channels-last. Belongs to the current dispose scope.</returns>
    public Tensor Translate(Tensor pixels)
    {
        var result = pixels.alias();
        if (_scale is not null && _shift is not null)
        {
            var lines = result.permute(0, 2, 3, 1); // [N, channels, H, W] -> [N, H, W, channels], contiguous
            result = lines.reshape(-1, _scale.shape[0]).mul(_scale).Add_(_shift).view(lines.shape).permute(0, 3, 1, 2);
        }
        return result.shape[2] == _size && result.shape[3] == _size ? result
            : nn.functional.interpolate(result, size: [_size, _size], mode: InterpolationMode.Bilinear, align_corners: false,
                antialias: true);
    }

    public void Dispose()
    {
        _scale?.Dispose();
        _shift?.Dispose();
    }
}
