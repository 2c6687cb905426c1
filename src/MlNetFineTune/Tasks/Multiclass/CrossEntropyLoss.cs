using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

internal sealed record CrossEntropyLoss : ClassificationLoss
{
    public CrossEntropyLoss(float smoothing) => Smoothing = CheckSmoothing(smoothing);

    public float Smoothing { get; }

    public override string ToString() => FormattableString.Invariant($"CrossEntropy(smoothing: {Smoothing})");

    internal override Tensor OfEach(Tensor logits, Tensor labels, Tensor? classWeights, bool training)
    {
        using var targets = labels.dtype == ScalarType.Int64 ? labels.alias() : labels.to_type(logits.dtype, copy: true);
        return nn.functional.cross_entropy(
            logits, targets, classWeights, reduction: nn.Reduction.None, label_smoothing: training ? ExactDouble.Of(Smoothing) : 0);
    }
}
