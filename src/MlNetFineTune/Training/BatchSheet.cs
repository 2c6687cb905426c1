using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// A sheet of training pictures as the network received them, for the report: copies of the first batch's pixels after all augmentation
/// and mixing, taken where the batch is made and before the forward pass. No random number is drawn and no tensor is kept, so that the
/// training is the same with it.
/// </summary>
/// <param name="form">Size, channels and normalisation of the network's input.</param>
internal sealed class BatchSheet(PictureForm form)
{
    /// <summary>Maximum number of pictures from a batch: the first ones.</summary>
    public const int MostPictures = 16;

    private readonly List<Page> _pages = [];

    /// <summary>A batch.</summary>
    /// <param name="IsAugmented">Whether an augmentation was applied.</param>
    /// <param name="Rows">Number of pictures in the batch.</param>
    /// <param name="Pictures">Its first pictures, in order.</param>
    public sealed record Page(bool IsAugmented, int Rows, IReadOnlyList<Picture> Pictures);

    /// <summary>A picture of a batch.</summary>
    /// <param name="Row">Index of the row.</param>
    /// <param name="Partner">Index of the row with which it was mixed; the same where it was not.</param>
    /// <param name="Share">Weight of the row's own label, 0 to 1; the partner's label has the rest.</param>
    /// <param name="Rgb">
    /// [size, size, 3]: the network's input with the normalisation undone, rounded to bytes. Values outside 0 to 255, as of the noise that
    /// <see cref="Augmentation.RandomErasing"/> can draw, are clipped.
    /// </param>
    public sealed record Picture(int Row, int Partner, double Share, byte[] Rgb);

    /// <summary>Width and height of the pictures in pixels.</summary>
    public int Size => form.Preprocessing.Size;

    /// <summary>
    /// The first batch, and the first augmented one if the first is not, as with <see cref="Strategy.ProbeThenFull"/>. Empty if every batch
    /// came from a feature cache.
    /// </summary>
    public IReadOnlyList<Page> Pages => _pages;

    /// <summary>Copies a batch if its kind is not on the sheet yet.</summary>
    /// <param name="pixels">[N, channels, H, W], normalised: the input of the network's first layer.</param>
    /// <param name="rows">[N] indices of the rows.</param>
    /// <param name="mix">How pictures were mixed; null if they were not.</param>
    /// <param name="isAugmented">Whether an augmentation was applied.</param>
    public void Offer(Tensor pixels, int[] rows, Mix? mix, bool isAugmented)
    {
        if (_pages.Count > 0 && (_pages[^1].IsAugmented || !isAugmented))
            return;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var count = Math.Min(rows.Length, MostPictures);
        // [N, channels, H, W] -> [count, H, W, channels]
        var first = pixels.detach().narrow(0, 0, count).permute(0, 2, 3, 1).cpu().to_type(ScalarType.Float32).contiguous();
        var numbers = first.data<float>().ToArray();
        var length = numbers.Length / count;
        _pages.Add(new(isAugmented, rows.Length, [.. Enumerable.Range(0, count).Select(i => new Picture(
            rows[i], mix?.Partners[i] ?? rows[i], mix?.Share ?? 1,
            BytesOf(numbers.AsSpan(i * length, length))))]));
    }

    private byte[] BytesOf(ReadOnlySpan<float> numbers)
    {
        var (means, scales) = PixelNormalizer.MeansAndScales(form.Preprocessing, form.Channels);
        var rgb = new byte[numbers.Length / form.Channels * InputChannels.Colors];
        for (var i = 0; i < rgb.Length; i++)
        {
            var channel = form.Channels == 1 ? 0 : i % InputChannels.Colors;
            var number = numbers[i / InputChannels.Colors * form.Channels + channel];
            rgb[i] = (byte)Math.Clamp(MathF.Round(number / scales[channel] + means[channel]), 0, byte.MaxValue);
        }
        return rgb;
    }
}
