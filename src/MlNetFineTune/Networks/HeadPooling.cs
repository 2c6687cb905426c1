using System.Globalization;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>How the head of an image network reduces the last maps [C, H, W] or tokens [T, C] of a picture to one feature vector.</summary>
public abstract record HeadPooling
{
    private protected HeadPooling()
    {
    }

    /// <summary>
    /// The pooling with which the network was pretrained, without parameters of the head: in most networks the average of each channel over
    /// the positions, in a vision transformer the class token or the mean of the patches. The default.
    /// </summary>
    public static HeadPooling Native { get; } = new NativePooling();

    /// <summary>
    /// Attention pooling: a learned query, one vector of C numbers for each head, gives every position a weight, and each head averages its
    /// share of the channels by its weights (attention with one query, as in the MAP head of Zhai et al. 2022,
    /// https://arxiv.org/abs/2106.04560, without its projections and MLP: Psomas et al. 2025, https://arxiv.org/abs/2506.10178). The query
    /// has <paramref name="heads"/> x C parameters, is trained with the head in every strategy, and is zero at the start, where the pooling
    /// is the average over the positions. Tokens of a vision transformer include the class token.
    /// </summary>
    /// <param name="heads">
    /// Number of heads, each with its own weights of the positions. At least 1; a divisor of the number of channels. Default 8, which
    /// divides the channels of all networks in <see cref="Backbone.List"/>.
    /// </param>
    /// <remarks>
    /// The stages above the last maps are not part of the network: the hidden layers of VGG and MobileNetV3. ConvNeXt's final norm is
    /// applied at each position. With frozen stages the cache (<see cref="FineTuningOptions.FeatureCache"/>) contains the maps, H x W times
    /// as many numbers as pooled features: for ResNet-18 at 224 pixels 98 KiB a row; rows that do not fit run in every epoch. An error for
    /// programs of <see cref="Backbone.FromTorchScript"/>, which return no maps.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="heads"/> is below 1.</exception>
    public static HeadPooling Attention(int heads = 8) => new AttentionPooling(heads);

    /// <summary>The description in a model file; null for the network's own pooling.</summary>
    internal virtual HeadPoolingManifest? Describe() => null;

    /// <summary>The network's own pooling.</summary>
    internal sealed record NativePooling : HeadPooling
    {
        public override string ToString() => nameof(Native);
    }

    /// <summary>One learned query over the last maps or tokens.</summary>
    internal sealed record AttentionPooling : HeadPooling
    {
        public AttentionPooling(int heads)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
            Heads = heads;
        }

        public int Heads { get; }

        internal override HeadPoolingManifest Describe() => new(nameof(Attention), Heads);

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{nameof(Attention)}(heads: {Heads})");
    }
}

/// <summary>Description of a pooling of the head in a model file.</summary>
/// <param name="Kind">Name of the member of <see cref="HeadPooling"/>.</param>
/// <param name="Heads">Number of heads.</param>
internal sealed record HeadPoolingManifest(string Kind, int Heads)
{
    /// <exception cref="ArgumentException">The pooling is not valid.</exception>
    public HeadPooling Create() => Kind == nameof(HeadPooling.Attention)
        ? HeadPooling.Attention(Heads)
        : throw new ArgumentException($"there is no pooling {SafeText.Quoted(Kind)} of a head");
}
