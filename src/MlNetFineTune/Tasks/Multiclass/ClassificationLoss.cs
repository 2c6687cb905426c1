using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// The loss that training a classifier minimises, as a mean over the rows. Each loss takes mixed labels (<see cref="Augmentation.MixUp"/>,
/// <see cref="Augmentation.CutMix"/>), class weights and example weights. Scores are softmax probabilities whatever the loss; validation
/// judges by the same loss, without smoothing.
/// </summary>
public abstract partial record ClassificationLoss
{
    private ClassificationLoss()
    {
    }

    /// <summary>The negative logarithm of the true class's probability (PyTorch: <c>cross_entropy</c>).</summary>
    /// <param name="smoothing">Moves this share of the target from the true class to all classes evenly (Szegedy et al.
    /// 2015, https://arxiv.org/abs/1512.00567). 0 to below 1. Default 0.</param>
    public static ClassificationLoss CrossEntropy(float smoothing = 0) => new CrossEntropyLoss(smoothing);

    /// <summary>
    /// Cross-entropy times (1 - p)^gamma, p the true class's probability: rows that are right already count little (Lin et al. 2017,
    /// https://arxiv.org/abs/1708.02002, over a softmax). Its alpha is <see cref="ClassWeights"/>. Of mixed labels, the sum over the
    /// classes of share (1 - p)^gamma (-log p).
    /// </summary>
    /// <param name="gamma">The exponent. 0 (cross-entropy) or above. Default 2.</param>
    public static ClassificationLoss Focal(float gamma = 2) => new FocalLoss(gamma);

    /// <summary>
    /// Each class as a binary question: the mean over the classes of their binary cross-entropies (Wightman et al. 2021,
    /// https://arxiv.org/abs/2110.00476, as timm's <c>BinaryCrossEntropy</c>). The more classes, the smaller the gradients, which matters
    /// to <see cref="Optimizer.Sgd"/> but not to AdamW.
    /// </summary>
    /// <param name="smoothing">Moves this share of the target from the true class to all classes evenly. 0 to below 1. Default 0.</param>
    /// <param name="threshold">Classes whose share in a mixed label is above it count as wholly there, others as not there;
    /// the paper takes 0.2. From 0 to below 1, without smoothing. Default null: shares stay shares.</param>
    public static ClassificationLoss BinaryCrossEntropy(float smoothing = 0, float? threshold = null) =>
        new BinaryCrossEntropyLoss(smoothing, threshold);

    /// <summary>Each row's loss, times the weight of its class.</summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="labels">[N] classes, Int64; or [N, classes], the share of each.</param>
    /// <param name="classWeights">[classes]; null where all are 1.</param>
    /// <param name="training">Whether targets are smoothed and cut.</param>
    /// <returns>[N]. Caller disposes.</returns>
    internal abstract Tensor OfEach(Tensor logits, Tensor labels, Tensor? classWeights, bool training);

    private protected static float CheckSmoothing(float smoothing) => smoothing is >= 0 and < 1
        ? smoothing
        : throw new ArgumentOutOfRangeException(nameof(smoothing), smoothing, "Label smoothing must be at least 0 and below 1.");

    private sealed record CrossEntropyLoss : ClassificationLoss
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
}
