using System.Globalization;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// Scores several views of each picture and averages their probabilities, which is often a little better and costs one forward pass a view
/// (Krizhevsky et al. 2012, section 4.1). The views are fixed; nothing is random. Training and its validation see one view.
/// </summary>
public abstract record TestTimeAugmentation
{
    private const string MultiScaleName = "MultiScale";

    private protected TestTimeAugmentation()
    {
    }

    /// <summary>The centre crop alone: the default.</summary>
    public static TestTimeAugmentation None { get; } = new Named(nameof(None), _ => [Augmentation.None]);

    /// <summary>The centre crop of the picture and of its mirror image: 2 views.
    /// Not for text, digits, or anything else whose handedness matters.</summary>
    public static TestTimeAugmentation Flip { get; } = new Named(
        nameof(Flip), preprocessing => [Augmentation.None, new ScoringView(preprocessing, Mirrored: true)]);

    /// <summary>The four corners and the centre of the resized picture, as torchvision's <c>FiveCrop</c>: 5 views.</summary>
    public static TestTimeAugmentation FiveCrop { get; } = new Named(
        nameof(FiveCrop), preprocessing => Crops(preprocessing, mirrored: false));

    /// <summary>The five crops of the picture and of its mirror image, as torchvision's <c>TenCrop</c>: 10 views.</summary>
    public static TestTimeAugmentation TenCrop { get; } = new Named(
        nameof(TenCrop), preprocessing => [.. Crops(preprocessing, mirrored: false), .. Crops(preprocessing, mirrored: true)]);

    /// <summary>The centre crop of the picture resized to several sizes: one view a scale.</summary>
    /// <param name="scales">
    /// 1 to 16 factors of the size that scoring resizes to: 1 is the usual view, more looks closer, at most 4; the least is
    /// <see cref="ImagePreprocessing.CropFraction"/>, where the crop spans the whole shorter side.
    /// </param>
    public static TestTimeAugmentation MultiScale(params float[] scales) => new Scaled(scales);

    /// <summary>What is scored of each picture.</summary>
    /// <exception cref="ArgumentException">A view would reach beyond the picture.</exception>
    internal abstract IReadOnlyList<Augmentation> Views(ImagePreprocessing preprocessing);

    /// <summary>As model files write it, in the invariant culture.</summary>
    internal abstract string Code { get; }

    /// <summary>The code, for logs.</summary>
    public sealed override string ToString() => Code;

    /// <summary>From a <see cref="Code"/>.</summary>
    /// <exception cref="ArgumentException">It is no such text.</exception>
    internal static TestTimeAugmentation FromCode(string code)
    {
        if (new[] { None, Flip, FiveCrop, TenCrop }.SingleOrDefault(known => known.Code == code) is { } named)
            return named;
        if (!code.StartsWith($"{MultiScaleName}(", StringComparison.Ordinal) || !code.EndsWith(')'))
            throw new ArgumentException($"'{code}' is no test-time augmentation that this library knows: "
                + $"{None}, {Flip}, {FiveCrop}, {TenCrop}, {MultiScaleName}(scales).", nameof(code));
        return MultiScale([.. code[(MultiScaleName.Length + 1)..^1].Split(", ").Select(scale =>
            float.TryParse(scale, CultureInfo.InvariantCulture, out var value)
                ? value
                : throw new ArgumentException($"'{scale}' in '{code}' is no number.", nameof(code)))]);
    }

    private static Augmentation[] Crops(ImagePreprocessing preprocessing, bool mirrored) =>
        [.. Enum.GetValues<ViewPlace>().Select(place => new ScoringView(preprocessing, place, mirrored))];

    private sealed record Named(string Name, Func<ImagePreprocessing, IReadOnlyList<Augmentation>> Make) : TestTimeAugmentation
    {
        internal override IReadOnlyList<Augmentation> Views(ImagePreprocessing preprocessing) => Make(preprocessing);

        internal override string Code => Name;
    }

    private sealed record Scaled : TestTimeAugmentation
    {
        private readonly IReadOnlyList<float> _scales;

        public Scaled(IReadOnlyList<float> scales)
        {
            ArgumentNullException.ThrowIfNull(scales);
            if (scales.Count is < 1 or > 16)
                throw new ArgumentOutOfRangeException(nameof(scales), scales.Count, "MultiScale takes 1 to 16 scales.");
            foreach (var scale in scales)
            {
                if (!(scale is > 0 and <= 4))
                    throw new ArgumentOutOfRangeException(nameof(scales), scale, "A scale must be above 0 and at most 4.");
            }
            _scales = [.. scales];
        }

        internal override IReadOnlyList<Augmentation> Views(ImagePreprocessing preprocessing)
        {
            ScoringView[] views = [.. _scales.Select(scale => new ScoringView(preprocessing, Scale: ExactDouble.Of(scale)))];
            return views.FirstOrDefault(view => view.Shorter < preprocessing.Size) is { } small
                ? throw new ArgumentException(
                    string.Create(CultureInfo.InvariantCulture,
                        $"{this}: at scale {small.Scale} the shorter side is {small.Shorter} pixels, "
                        + $"less than the crop of {preprocessing.Size}. "
                        + $"The least scale here is the crop fraction, {preprocessing.CropFraction}."))
                : views;
        }

        public bool Equals(Scaled? other) => other is not null && _scales.SequenceEqual(other._scales);

        public override int GetHashCode() => _scales.Aggregate(0, HashCode.Combine);

        internal override string Code =>
            $"{MultiScaleName}({string.Join(", ", _scales.Select(scale => scale.ToString(CultureInfo.InvariantCulture)))})";
    }
}
