using System.Globalization;
using MlNetFineTune.Primitives;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// How the activations of a frozen network become one vector of features a picture. Activations are maps [C, H, W] of a convolutional
/// network, or tokens [T, C] of a vision transformer, whose class token takes part in no pooling but <see cref="ClassToken"/>.
/// </summary>
public abstract partial record FeaturePooling
{
    private const int MostSizes = 16;

    private protected FeaturePooling()
    {
    }

    /// <summary>
    /// The features that the network's own classifier was trained on: the average of the last maps as a rule, a hidden layer above it in
    /// VGG and MobileNetV3, a normalised average in ConvNeXt, the class token of a vision transformer. The default, and the only one of a
    /// TorchScript program.
    /// </summary>
    public static FeaturePooling Native { get; } = new NativePooling();

    /// <summary>The average of each channel over the positions of the last maps: C features.</summary>
    public static FeaturePooling Average { get; } = new AveragePooling();

    /// <summary>The maximum of each channel over the positions of the last maps: C features.</summary>
    public static FeaturePooling Max { get; } = new MaxPooling();

    /// <summary><see cref="Average"/>, then <see cref="Max"/>: 2 C features.</summary>
    public static FeaturePooling AverageAndMax { get; } = new AverageAndMaxPooling();

    /// <summary>
    /// The generalised mean of each channel, (mean of x^p)^(1/p) (Radenovic et al. 2017, https://arxiv.org/abs/1711.02512): between
    /// <see cref="Average"/> (p = 1) and <see cref="Max"/> (p to infinity). C features. As in the authors' code, activations below 1e-6
    /// count as 1e-6: meant for networks whose last activation is not negative, such as a ReLU.
    /// </summary>
    /// <param name="p">The exponent, above 0 and at most 100. Default 3, the authors'.</param>
    public static FeaturePooling GeneralizedMean(float p = 3) => new GeneralizedMeanPooling(p);

    /// <summary>The class token of a vision transformer, normalised: C features. Of other networks an error in <c>Fit</c>.</summary>
    public static FeaturePooling ClassToken { get; } = new ClassTokenPooling();

    /// <summary>
    /// Several stages of the network, and several sizes of the picture: each pooled vector is divided by its Euclidean length, and all are
    /// concatenated, size by size and within a size from the first stage to the last. The network runs once a size.
    /// </summary>
    /// <param name="stages">
    /// Names of stages (<see cref="Backbone.Stages"/>) whose output is pooled. Null: the last that has maps.
    /// </param>
    /// <param name="sizes">
    /// Width and height in pixels at which a picture enters; each shows the same part of it. 32 to 4096, at most 16 sizes. Null: that of
    /// <see cref="Backbone.Preprocessing"/>, which is also the only one that a vision transformer takes.
    /// </param>
    /// <param name="pooling">How each becomes a vector. Default: <see cref="Average"/>. Not <see cref="MultiScale"/>, nor
    /// <see cref="Native"/> with <paramref name="stages"/>.</param>
    /// <exception cref="ArgumentException">Neither several stages nor several sizes are given, one is given twice, or the pooling is none
    /// of a stage.</exception>
    public static FeaturePooling MultiScale(
        IReadOnlyList<string>? stages = null, IReadOnlyList<int>? sizes = null, FeaturePooling? pooling = null) =>
        new MultiScalePooling(stages, sizes, pooling ?? Average);

    /// <summary>As logs and errors write it, in the invariant culture.</summary>
    internal abstract string Code { get; }

    /// <summary>What a model file says of it.</summary>
    internal virtual PoolingManifest Describe() => new(Code);

    /// <summary>The code, for logs.</summary>
    public sealed override string ToString() => Code;

    /// <summary>The features that the network's classifier was trained on.</summary>
    internal sealed record NativePooling : FeaturePooling
    {
        internal override string Code => nameof(Native);
    }

    /// <summary>Several stages and sizes, normalised.</summary>
    internal sealed record MultiScalePooling : FeaturePooling
    {
        public MultiScalePooling(IReadOnlyList<string>? stages, IReadOnlyList<int>? sizes, FeaturePooling pooling)
        {
            if (pooling is MultiScalePooling)
                throw new ArgumentException("MultiScale pools each stage in one way: take another pooling.", nameof(pooling));
            if (pooling is NativePooling && stages is not null)
            {
                throw new ArgumentException(
                    "Native is what the network gives at its end: leave stages out, or pool each by Average, Max or another.",
                    nameof(pooling));
            }
            if ((stages?.Count ?? 1) < 2 && (sizes?.Count ?? 1) < 2)
            {
                throw new ArgumentException(
                    "MultiScale needs two stages or two sizes at least, as in FeaturePooling.MultiScale(sizes: [160, 224]).");
            }
            Require(stages ?? [], nameof(stages), name => !string.IsNullOrWhiteSpace(name), "is no name");
            Require(sizes ?? [], nameof(sizes), size => size is >= 32 and <= 4096, "is not between 32 and 4096");
            if (sizes?.Count > MostSizes)
                throw new ArgumentException($"{sizes.Count} sizes are given; at most {MostSizes} are possible.", nameof(sizes));
            (Stages, Sizes, Pooling) = (stages is null ? null : [.. stages], sizes is null ? null : [.. sizes], pooling);
        }

        public IReadOnlyList<string>? Stages { get; }

        public IReadOnlyList<int>? Sizes { get; }

        public FeaturePooling Pooling { get; }

        internal override string Code => $"{nameof(MultiScale)}("
            + (Stages is null ? "" : $"stages: [{string.Join(", ", Stages)}], ")
            + (Sizes is null ? "" : $"sizes: [{string.Join(", ", Sizes.Select(InvariantSize))}], ") + $"pooling: {Pooling.Code})";

        internal override PoolingManifest Describe() => new(nameof(MultiScale), Stages: Stages, Sizes: Sizes, Of: Pooling.Describe());

        public bool Equals(MultiScalePooling? other) => other is not null && Code == other.Code;

        public override int GetHashCode() => Code.GetHashCode(StringComparison.Ordinal);

        private static string InvariantSize(int size) => size.ToString(CultureInfo.InvariantCulture);

        private static void Require<T>(IReadOnlyList<T> values, string name, Func<T, bool> isPossible, string fault)
        {
            foreach (var value in values)
            {
                if (!isPossible(value))
                    throw new ArgumentOutOfRangeException(name, value, $"'{SafeText.Of($"{value}")}' {fault}.");
            }
            if (values.Distinct().Count() < values.Count)
                throw new ArgumentException("One of them is given twice.", name);
        }
    }
}
