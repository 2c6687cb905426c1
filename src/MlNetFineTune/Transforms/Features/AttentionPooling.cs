using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

public abstract partial record FeaturePooling
{
    /// <summary>Attention pooling of the last maps or tokens by a learned query, as <see cref="HeadPooling.Attention"/>.</summary>
    /// <param name="Heads">Number of heads.</param>
    internal abstract record AttentionPooling(int Heads) : FeaturePooling
    {
        /// <summary>The pooling of the network's head.</summary>
        public HeadPooling OfHead => HeadPooling.Attention(Heads);

        internal sealed override PoolingManifest Describe() => new(nameof(Attention), Heads: Heads);
    }

    /// <summary>A query that the network has, with that of a fitted transformer.</summary>
    internal sealed record LearnedAttention(int Heads) : AttentionPooling(Heads)
    {
        internal override string Code => FormattableString.Invariant($"{nameof(Attention)}(heads: {Heads})");
    }

    /// <summary>A query that <c>Fit</c> learns on a column of classes.</summary>
    internal sealed record FittedAttention : AttentionPooling
    {
        public FittedAttention(string label, int heads, int epochs)
            : base(heads)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(label, "labelColumnName");
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(heads);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(epochs);
            (Label, Epochs) = (label, epochs);
        }

        public string Label { get; }

        public int Epochs { get; }

        internal override string Code =>
            FormattableString.Invariant($"{nameof(Attention)}(label: {SafeText.Quoted(Label)}, heads: {Heads}, epochs: {Epochs})");
    }

    /// <summary>The query of a fine-tuned model.</summary>
    internal sealed record AttentionOfModel(int Heads, SourceModel Model) : AttentionPooling(Heads)
    {
        internal override string Code => FormattableString.Invariant($"{nameof(AttentionOf)}(a model of {Model.Name}, heads: {Heads})");
    }
}
