using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// The training loss of a multiclass classifier, as a weighted mean over the rows. All losses support mixed labels
/// (<see cref="Augmentation.MixUp"/>, <see cref="Augmentation.CutMix"/>), class weights and example weights. Scores are softmax
/// probabilities for every loss; validation uses the same loss without smoothing.
/// </summary>
public abstract partial record ClassificationLoss
{
    private ClassificationLoss()
    {
    }

    /// <summary>The negative logarithm of the true class's probability (PyTorch: <c>cross_entropy</c>).</summary>
    /// <param name="smoothing">
    /// Label smoothing: the fraction of the target that is distributed uniformly over all classes (Szegedy et al. 2015,
    /// https://arxiv.org/abs/1512.00567). At least 0, below 1. Default 0.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="smoothing"/> is out of range.</exception>
    public static ClassificationLoss CrossEntropy(float smoothing = 0) => new CrossEntropyLoss(smoothing);

    /// <summary>
    /// Focal loss: cross-entropy times (1 - p)^gamma, with the true class's probability p, which reduces the weight of rows that are
    /// already classified correctly (Lin et al. 2017, https://arxiv.org/abs/1708.02002, with a softmax). <see cref="ClassWeights"/> take
    /// the role of alpha. For mixed labels, the sum over the classes of label (1 - p)^gamma (-log p).
    /// </summary>
    /// <param name="gamma">The exponent, at least 0; 0 is cross-entropy. Default 2.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="gamma"/> is negative or not finite.</exception>
    public static ClassificationLoss Focal(float gamma = 2) => new FocalLoss(gamma);

    /// <summary>
    /// One binary cross-entropy per class, averaged over the classes (Wightman et al. 2021, https://arxiv.org/abs/2110.00476, as timm's
    /// <c>BinaryCrossEntropy</c>). Gradients are smaller with more classes, which affects <see cref="Optimizer.Sgd"/> but not AdamW.
    /// </summary>
    /// <param name="smoothing">
    /// Label smoothing: the fraction of the target that is distributed uniformly over all classes. At least 0, below 1. Default 0.
    /// </param>
    /// <param name="threshold">
    /// Binarises mixed labels: classes with a weight above the threshold get the target 1, others 0; 0.2 in the paper. At least 0, below 1;
    /// cannot be combined with smoothing. Default null: labels are not binarised.
    /// </param>
    /// <exception cref="ArgumentException">An argument is out of range, or both are set.</exception>
    public static ClassificationLoss BinaryCrossEntropy(float smoothing = 0, float? threshold = null) =>
        new BinaryCrossEntropyLoss(smoothing, threshold);

    /// <summary>Loss of each row, times its class weight.</summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="labels">[N], Int64 class indices; or [N, classes], the weight of each class.</param>
    /// <param name="classWeights">[classes]; null if all are 1.</param>
    /// <param name="training">Whether targets are smoothed and binarised.</param>
    /// <returns>[N]. The caller disposes it.</returns>
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
