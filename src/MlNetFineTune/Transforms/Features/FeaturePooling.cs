using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// How the activations of a frozen network are reduced to one feature vector per picture. Activations are maps [C, H, W] of a convolutional
/// network, or tokens [T, C] of a vision transformer, whose class token is used only by <see cref="ClassToken"/>, <see cref="Native"/> and
/// <see cref="Attention"/>.
/// </summary>
public abstract partial record FeaturePooling
{
    private const int MostSizes = 16;

    private protected FeaturePooling()
    {
    }

    /// <summary>
    /// The input features of the network's original classifier: in most networks the average of the last maps, in VGG and MobileNetV3 a
    /// hidden layer after it, in ConvNeXt a normalised average, in a vision transformer the class token. The default, and the only pooling
    /// for a TorchScript program.
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
    /// are set to 1e-6: intended for networks whose last activation is not negative, such as ReLU.
    /// </summary>
    /// <param name="p">The exponent. Above 0, at most 100. Default 3, the authors' value.</param>
    /// <exception cref="ArgumentOutOfRangeException">The exponent is out of range.</exception>
    public static FeaturePooling GeneralizedMean(float p = 3) => new GeneralizedMeanPooling(p);

    /// <summary>The class token of a vision transformer, normalised: C features. An error in <c>Fit</c> for other networks.</summary>
    public static FeaturePooling ClassToken { get; } = new ClassTokenPooling();

    /// <summary>
    /// Attention pooling: a learned query gives each position of the last maps, or each token with the class token, a weight, as
    /// <see cref="HeadPooling.Attention"/>. <c>Fit</c> learns the query together with a linear layer, which is not used further, on the
    /// classes of the training rows with <see cref="Strategy.HeadOnly"/>, without augmentation, with 20 % of the rows to select the epoch.
    /// C features. The features of the rows of <c>Fit</c> have seen their labels: evaluate on others. There is no group column: rows of one
    /// group can be on both sides of the split that selects the epoch.
    /// </summary>
    /// <param name="labelColumnName">Name of the label column, a key. Default "Label".</param>
    /// <param name="heads">Number of heads, a divisor of the number of channels. At least 1, default 8.</param>
    /// <param name="epochs">Number of passes over the training rows. At least 1, default 20.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    public static FeaturePooling Attention(string labelColumnName = "Label", int heads = 8, int epochs = 20) =>
        new FittedAttention(labelColumnName, heads, epochs);

    /// <summary>
    /// The attention pooling of a model that was fine-tuned with <see cref="HeadPooling.Attention"/>, for any task: with
    /// <see cref="Backbone.FromModel"/> of this model as the backbone, the features are the input of its head. C features. With
    /// other weights than the model's, <c>Fit</c> warns: the query need not fit their maps.
    /// </summary>
    /// <param name="model">A <see cref="FineTuningTransformer"/>, or a chain with one. It must not be disposed before <c>Fit</c>.</param>
    /// <exception cref="ArgumentException">
    /// The model contains no fine-tuned image network or more than one, or its head has no attention pooling.
    /// </exception>
    public static FeaturePooling AttentionOf(ITransformer model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var source = SourceModel.Find(model, "A pooling is taken from");
        return source.Definition.HeadPooling is HeadPooling.AttentionPooling { Heads: var heads }
            ? new AttentionOfModel(heads, source)
            : throw new ArgumentException(
                $"The head of the model of {source.Name} pools by {source.Definition.HeadPooling}: train it with "
                + "ImageFineTuningOptions.Pooling = HeadPooling.Attention(), or take FeaturePooling.Attention.", nameof(model));
    }

    /// <summary>
    /// Several stages of the network or several sizes of the picture: each pooled vector is divided by its Euclidean length, and all are
    /// concatenated, size by size, and within a size from the first stage to the last. The network runs once per size.
    /// </summary>
    /// <param name="stages">
    /// Names of the stages (<see cref="Backbone.Stages"/>) whose outputs are pooled. Default null: the last stage that outputs maps.
    /// </param>
    /// <param name="sizes">
    /// Width and height of the network's input in pixels; each size shows the same part of the picture. 32 to 4096, at most 16 sizes.
    /// Default null: that of <see cref="Backbone.Preprocessing"/>, the only one that a vision transformer supports.
    /// </param>
    /// <param name="pooling">
    /// The pooling of each stage and size. Default null: <see cref="Average"/>. Not <see cref="MultiScale"/> or <see cref="Attention"/>,
    /// and not <see cref="Native"/> if <paramref name="stages"/> is set.
    /// </param>
    /// <exception cref="ArgumentException">
    /// Neither several stages nor several sizes are given, there are duplicates or too many sizes, or the pooling is not supported.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range, or a name is empty.</exception>
    public static FeaturePooling MultiScale(
        IReadOnlyList<string>? stages = null, IReadOnlyList<int>? sizes = null, FeaturePooling? pooling = null) =>
        new MultiScalePooling(stages, sizes, pooling ?? Average);

    /// <summary>Text for logs and errors, in the invariant culture.</summary>
    internal abstract string Code { get; }

    /// <summary>The description for a model file.</summary>
    internal virtual PoolingManifest Describe() => new(Code);

    /// <summary>Text for logs, in the invariant culture.</summary>
    public sealed override string ToString() => Code;

    /// <summary>The input features of the network's classifier.</summary>
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
            if (pooling is AttentionPooling)
                throw new ArgumentException("A query is learned for one stage and one size: take another pooling.", nameof(pooling));
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
