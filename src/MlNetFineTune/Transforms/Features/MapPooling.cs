using System.Globalization;
using MlNetFineTune.MlNet;
using MlNetFineTune.Transforms;
using static TorchSharp.torch;

namespace MlNetFineTune;

public abstract partial record FeaturePooling
{
    // As in the authors' code (filipradenovic/cnnimageretrieval-pytorch, layers/pooling.py).
    private const double LeastActivation = 1e-6;

    /// <summary>Poolings of the maps or tokens of one stage.</summary>
    internal abstract record MapPooling : FeaturePooling
    {
        /// <summary>Names of the statistics of a channel, in order; the first one of all channels comes first.</summary>
        public abstract IReadOnlyList<string> Parts { get; }

        /// <summary>[N, C, H, W], or [N, T, C] with the class token first -> [N, C * parts]. In the caller's dispose scope.</summary>
        public abstract Tensor Pool(Tensor activations);

        /// <summary>The activations without the class token, and the dimensions of the positions.</summary>
        private protected static (Tensor Values, long[] Positions) PositionsOf(Tensor activations) => activations.ndim == 4
            ? (activations, [2, 3])
            : (activations.narrow(1, 1, activations.shape[1] - 1), [1]);

        private protected static Tensor MeanOf(Tensor activations)
        {
            var (values, positions) = PositionsOf(activations);
            return values.mean(positions);
        }

        private protected static Tensor MaximumOf(Tensor activations)
        {
            var (values, positions) = PositionsOf(activations);
            return values.amax(positions);
        }
    }

    internal sealed record AveragePooling : MapPooling
    {
        internal override string Code => nameof(Average);

        public override IReadOnlyList<string> Parts => ["average"];

        public override Tensor Pool(Tensor activations) => MeanOf(activations);
    }

    internal sealed record MaxPooling : MapPooling
    {
        internal override string Code => nameof(Max);

        public override IReadOnlyList<string> Parts => ["max"];

        public override Tensor Pool(Tensor activations) => MaximumOf(activations);
    }

    internal sealed record AverageAndMaxPooling : MapPooling
    {
        internal override string Code => nameof(AverageAndMax);

        public override IReadOnlyList<string> Parts => ["average", "max"];

        public override Tensor Pool(Tensor activations) => cat([MeanOf(activations), MaximumOf(activations)], 1);
    }

    internal sealed record GeneralizedMeanPooling : MapPooling
    {
        public GeneralizedMeanPooling(float p)
        {
            if (!(p is > 0 and <= 100))
                throw new ArgumentOutOfRangeException(nameof(p), p, "The exponent must be above 0 and at most 100.");
            P = p;
        }

        public float P { get; }

        internal override string Code => string.Create(CultureInfo.InvariantCulture, $"{nameof(GeneralizedMean)}({P})");

        internal override PoolingManifest Describe() => new(nameof(GeneralizedMean), P);

        public override IReadOnlyList<string> Parts => ["gem"];

        public override Tensor Pool(Tensor activations)
        {
            var (values, positions) = PositionsOf(activations);
            return values.ClampMin(LeastActivation).Pow(P).mean(positions).Pow(1.0 / P);
        }
    }

    internal sealed record ClassTokenPooling : MapPooling
    {
        internal override string Code => nameof(ClassToken);

        public override IReadOnlyList<string> Parts => ["token"];

        public override Tensor Pool(Tensor activations) => activations.select(1, 0).contiguous();
    }
}
