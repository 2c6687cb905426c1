using System.Globalization;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// Scores several deterministic views of each picture and averages their scores (for classifiers, the probabilities), which often improves
/// accuracy slightly and costs one forward pass per view (Krizhevsky et al. 2012, section 4.1). Training and its validation use one view.
/// </summary>
public abstract record TestTimeAugmentation
{
    private const string MultiScaleName = "MultiScale";

    private protected TestTimeAugmentation()
    {
    }

    /// <summary>The centre crop only: 1 view. The default.</summary>
    public static TestTimeAugmentation None { get; } = new Named(nameof(None), _ => [Augmentation.None]);

    /// <summary>The centre crop of the picture and of its mirror image: 2 views.
    /// Not for text, digits or other subjects whose handedness matters.</summary>
    public static TestTimeAugmentation Flip { get; } = new Named(
        nameof(Flip), preprocessing => [Augmentation.None, new ScoringView(preprocessing, Mirrored: true)]);

    /// <summary>The four corners and the centre of the resized picture, as torchvision's <c>FiveCrop</c>: 5 views.</summary>
    public static TestTimeAugmentation FiveCrop { get; } = new Named(
        nameof(FiveCrop), preprocessing => Crops(preprocessing, mirrored: false));

    /// <summary>The five crops of the picture and of its mirror image, as torchvision's <c>TenCrop</c>: 10 views.</summary>
    public static TestTimeAugmentation TenCrop { get; } = new Named(
        nameof(TenCrop), preprocessing => [.. Crops(preprocessing, mirrored: false), .. Crops(preprocessing, mirrored: true)]);

    /// <summary>The centre crop of the picture resized to several sizes: one view per scale.</summary>
    /// <param name="scales">
    /// 1 to 16 factors of the size to which scoring resizes: 1 is the usual view, larger factors magnify. At most 4, at least
    /// <see cref="ImagePreprocessing.CropFraction"/>, at which the crop spans the whole shorter side; the lower bound is checked when the
    /// views are used.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The number of scales, or a scale, is out of range.</exception>
    public static TestTimeAugmentation MultiScale(params float[] scales) => new Scaled(scales);

    /// <summary>The views of each picture.</summary>
    /// <exception cref="ArgumentException">A view would reach beyond the picture.</exception>
    internal abstract IReadOnlyList<Augmentation> Views(ImagePreprocessing preprocessing);

    /// <summary>The text of model files, in the invariant culture.</summary>
    internal abstract string Code { get; }

    /// <summary>Name and scales as text, in the invariant culture.</summary>
    public sealed override string ToString() => Code;

    /// <summary>Parses a <see cref="Code"/>.</summary>
    /// <exception cref="ArgumentException">The text is not valid.</exception>
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
