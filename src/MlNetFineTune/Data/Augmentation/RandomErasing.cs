using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <inheritdoc cref="Augmentation.RandomErasing"/>
internal sealed record RandomErasing : Augmentation
{
    public RandomErasing(
        float probability = 0.25f,
        float minimumArea = 0.02f,
        float maximumArea = 0.33f,
        float minimumRatio = 0.3f,
        float maximumRatio = 3.3f,
        ErasingFill fill = ErasingFill.Mean)
    {
        if (!(probability is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "A probability must be between 0 and 1.");
        if (!(minimumArea > 0 && minimumArea <= maximumArea && maximumArea <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(minimumArea), $"The areas must satisfy 0 < minimum <= maximum <= 1, but are {minimumArea} and {maximumArea}.");
        if (!(minimumRatio > 0 && minimumRatio <= maximumRatio && float.IsFinite(maximumRatio)))
            throw new ArgumentOutOfRangeException(
                nameof(minimumRatio),
                $"The aspect ratios must satisfy 0 < minimum <= maximum, but are {minimumRatio} and {maximumRatio}.");
        if (!Enum.IsDefined(fill))
            throw new ArgumentOutOfRangeException(
                nameof(fill), fill, $"The fill must be one of {string.Join(", ", Enum.GetNames<ErasingFill>())}.");
        (MinimumArea, MaximumArea, MinimumRatio, MaximumRatio) = (minimumArea, maximumArea, minimumRatio, maximumRatio);
        (Probability, Fill) = (probability, fill);
    }

    public float Probability { get; }

    public float MinimumArea { get; }

    public float MaximumArea { get; }

    public float MinimumRatio { get; }

    public float MaximumRatio { get; }

    public ErasingFill Fill { get; }

    internal override void Apply(ref ImagePlan plan, ref CountedRandom random)
    {
    }

    /// <summary>Draws whether and where to erase, and erases in place.</summary>
    /// <param name="picture">[1, H, W, 3], contiguous.</param>
    /// <param name="random">Random numbers of the epoch and row.</param>
    internal void Erase(Tensor picture, ref CountedRandom random)
    {
        if (random.NextDouble() >= Probability || BoxOf((int)picture.shape[1], (int)picture.shape[2], ref random) is not { Area: > 0 } box)
            return;
        using var region = box.Of(picture);
        if (Fill == ErasingFill.Mean)
        {
            region.zero_();
            return;
        }
        var values = new float[box.Area * (int)picture.shape[3]];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)random.NextNormal();
        using var noise = tensor(values, region.shape);
        region.copy_(noise);
    }

    /// <summary>Erases a random rectangle in place with the given probability: the same for a picture's bytes, of any size.</summary>
    /// <param name="pixels">[height, width, 3] bytes, red first.</param>
    /// <param name="size">Size of the picture.</param>
    /// <param name="preprocessing">Mean and standard deviation of the fill.</param>
    /// <param name="random">Random numbers of the pass and row.</param>
    internal void Erase(Span<byte> pixels, PixelSize size, ImagePreprocessing preprocessing, ref CountedRandom random)
    {
        if (random.NextDouble() >= Probability || BoxOf(size.Height, size.Width, ref random) is not { Area: > 0 } box)
            return;
        var (mean, std) = (preprocessing.Mean, preprocessing.Std);
        ReadOnlySpan<float> means = [mean.Red, mean.Green, mean.Blue];
        ReadOnlySpan<float> stds = [std.Red, std.Green, std.Blue];
        for (var row = box.Top; row < box.Top + box.Height; row++)
        {
            var line = pixels.Slice((row * size.Width + box.Left) * 3, box.Width * 3);
            for (var i = 0; i < line.Length; i++)
            {
                var value = Fill == ErasingFill.Mean ? 0 : (float)random.NextNormal();
                line[i] = (byte)Math.Clamp(MathF.Round((means[i % 3] + stds[i % 3] * value) * 255), 0, 255);
            }
        }
    }

    /// <summary>As torchvision's <c>RandomErasing.get_params</c>: smaller than the picture in both directions.</summary>
    internal PixelBox? BoxOf(int height, int width, ref CountedRandom random)
    {
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var area = height * width * random.NextDouble(MinimumArea, MaximumArea);
            var ratio = Math.Exp(random.NextDouble(Math.Log(MinimumRatio), Math.Log(MaximumRatio)));
            var (h, w) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (h < height && w < width)
                return new PixelBox(random.NextInt(height - h + 1), random.NextInt(width - w + 1), h, w);
        }
        return null;
    }
}
