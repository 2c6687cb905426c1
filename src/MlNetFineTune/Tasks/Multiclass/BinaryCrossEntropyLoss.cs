using System.Globalization;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

public abstract partial record ClassificationLoss
{
    private sealed record BinaryCrossEntropyLoss : ClassificationLoss
    {
        public BinaryCrossEntropyLoss(float smoothing, float? threshold)
        {
            Smoothing = CheckSmoothing(smoothing);
            if (threshold is { } share && !(share is >= 0 and < 1))
                throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "The threshold must be at least 0 and below 1.");
            if (threshold is not null && smoothing > 0)
                throw new ArgumentException("A threshold makes targets 0 and 1 again, whatever the smoothing: say one of the two.",
                    nameof(threshold));
            Threshold = threshold;
        }

        public float Smoothing { get; }

        public float? Threshold { get; }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"BinaryCrossEntropy(smoothing: "
                + $"{Smoothing}{(Threshold is { } share ? FormattableString.Invariant($", threshold: {share}") : "")})");

        /// <summary>
        /// A class weight applies to the rows of the class, not to its output, where it would weight positive and negative terms equally.
        /// </summary>
        internal override Tensor OfEach(Tensor logits, Tensor labels, Tensor? classWeights, bool training)
        {
            using var scope = NewDisposeScope();
            var shares = ClassLabelTensors.Shares(labels, logits);
            var targets = training ? TargetsOf(shares) : shares;
            // [N, classes] -> [N]
            var each = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction: nn.Reduction.None).mean([1]);
            return (classWeights is null ? each : each.mul(ClassLabelTensors.WeightOfEach(labels, classWeights))).MoveToOuterDisposeScope();
        }

        private Tensor TargetsOf(Tensor shares)
        {
            if (Threshold is { } threshold)
                return shares.Gt(ExactDouble.Of(threshold)).to_type(shares.dtype);
            var smoothing = ExactDouble.Of(Smoothing);
            return smoothing > 0 ? shares.Mul(1 - smoothing).Add(smoothing / shares.shape[1]) : shares;
        }
    }
}
