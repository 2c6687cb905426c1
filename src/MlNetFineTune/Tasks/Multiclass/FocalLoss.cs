using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

public abstract partial record ClassificationLoss
{
    private sealed record FocalLoss : ClassificationLoss
    {
        public FocalLoss(float gamma) => Gamma = gamma >= 0 && float.IsFinite(gamma)
            ? gamma
            : throw new ArgumentOutOfRangeException(nameof(gamma), gamma, "Gamma must be 0 or above.");

        public float Gamma { get; }

        public override string ToString() => FormattableString.Invariant($"Focal(gamma: {Gamma})");

        internal override Tensor OfEach(Tensor logits, Tensor labels, Tensor? classWeights, bool training)
        {
            using var scope = NewDisposeScope();
            var logs = nn.functional.log_softmax(logits, dim: 1);
            var others = logs.expm1().neg().ClampMin(1e-12); // 1 - p, above 0, where the gradient of a power below 1 is infinite
            var ofClasses = others.Pow(ExactDouble.Of(Gamma)).mul(logs).neg();
            var shares = ClassLabelTensors.Shares(labels, logits);
            if (classWeights is not null)
                shares = shares.mul(classWeights);
            return shares.mul(ofClasses).sum(1).MoveToOuterDisposeScope();
        }
    }
}
