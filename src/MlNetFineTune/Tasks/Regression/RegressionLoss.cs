using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// What training a regression makes small, as a mean over the rows, of labels and scores in the label's unit. Where labels are
/// standardised (<see cref="LearningTask.Regression"/>) its value is in standardised units. Validation judges by the same loss.
/// </summary>
public abstract record RegressionLoss
{
    private protected RegressionLoss()
    {
    }

    /// <summary>(score - label)^2: towards the mean; large errors count most.</summary>
    public static RegressionLoss SquaredError { get; } = new Squared();

    /// <summary>|score - label|: towards the median; outliers count little.</summary>
    public static RegressionLoss AbsoluteError { get; } = new Absolute();

    /// <summary>
    /// Half the squared error up to <paramref name="delta"/>, and delta (|error| - delta / 2) beyond (Huber 1964,
    /// https://doi.org/10.1214/aoms/1177703732).
    /// </summary>
    /// <param name="delta">The error up to which the loss is quadratic, in units of the label. Above 0. Default 1.</param>
    public static RegressionLoss Huber(float delta = 1) => new HuberLoss(delta);

    /// <summary>
    /// The quantile or pinball loss, max(q (label - score), (q - 1) (label - score)): towards the value that a share q of the labels lie
    /// below, given the input (Koenker and Bassett 1978, https://doi.org/10.2307/1913643). Two models, of 0.05 and 0.95, give an interval
    /// that should hold nine of ten labels. With 0.5 it is half the absolute error.
    /// </summary>
    /// <param name="quantile">The share q of labels below the score. Above 0 and below 1; 0.5, the median, by default.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="quantile"/> is not above 0 and below 1.</exception>
    public static RegressionLoss Quantile(float quantile = 0.5f) => new QuantileLoss(quantile);

    /// <param name="scores">[N].</param>
    /// <param name="labels">[N].</param>
    /// <returns>[N]. Caller disposes.</returns>
    internal abstract Tensor OfEach(Tensor scores, Tensor labels);

    /// <summary>
    /// The loss whose minimum for scores and labels divided by <paramref name="deviation"/> is that of this one for them as they are:
    /// what a length in units of the label (Huber's delta) must be divided by where targets are standardised.
    /// </summary>
    internal abstract RegressionLoss ForLabelsDividedBy(double deviation);

    private sealed record Squared : RegressionLoss
    {
        internal override Tensor OfEach(Tensor scores, Tensor labels) =>
            nn.functional.mse_loss(scores, labels, nn.Reduction.None);

        internal override RegressionLoss ForLabelsDividedBy(double deviation) => this;

        public override string ToString() => nameof(SquaredError);
    }

    private sealed record Absolute : RegressionLoss
    {
        internal override Tensor OfEach(Tensor scores, Tensor labels) => nn.functional.l1_loss(scores, labels, nn.Reduction.None);

        internal override RegressionLoss ForLabelsDividedBy(double deviation) => this;

        public override string ToString() => nameof(AbsoluteError);
    }

    private sealed record HuberLoss : RegressionLoss
    {
        public HuberLoss(float delta) => Delta = delta > 0 && float.IsFinite(delta)
            ? delta
            : throw new ArgumentOutOfRangeException(nameof(delta), delta, "Delta must be above 0.");

        public float Delta { get; }

        internal override Tensor OfEach(Tensor scores, Tensor labels) =>
            nn.functional.huber_loss(scores, labels, Delta, nn.Reduction.None);

        internal override RegressionLoss ForLabelsDividedBy(double deviation) => new HuberLoss((float)(Delta / deviation));

        public override string ToString() => FormattableString.Invariant($"Huber({Delta})");
    }

    private sealed record QuantileLoss : RegressionLoss
    {
        // Not "Quantile": that is the method of the base that makes one.
        public QuantileLoss(float quantile) => Share = quantile is > 0 and < 1
            ? quantile
            : throw new ArgumentOutOfRangeException(nameof(quantile), quantile, "The quantile must be above 0 and below 1.");

        public float Share { get; }

        internal override Tensor OfEach(Tensor scores, Tensor labels)
        {
            using var scope = NewDisposeScope();
            var quantile = ExactDouble.Of(Share);
            var errors = labels.sub(scores);
            return errors.Mul(quantile).maximum(errors.Mul(quantile - 1)).MoveToOuterDisposeScope();
        }

        internal override RegressionLoss ForLabelsDividedBy(double deviation) => this;

        public override string ToString() => FormattableString.Invariant($"Quantile({Share})");
    }
}
