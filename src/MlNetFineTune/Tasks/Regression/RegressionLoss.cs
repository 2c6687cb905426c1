using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>
/// The training loss of a regression, as a weighted mean over the rows. Parameters are in the label's unit; if labels are standardised
/// (<see cref="LearningTask.Regression"/>), the value of the loss is in standardised units. Validation uses the same loss.
/// </summary>
public abstract record RegressionLoss
{
    private protected RegressionLoss()
    {
    }

    /// <summary>(score - label)^2: estimates the conditional mean; large errors dominate. The default.</summary>
    public static RegressionLoss SquaredError { get; } = new Squared();

    /// <summary>|score - label|: estimates the conditional median; robust against outliers.</summary>
    public static RegressionLoss AbsoluteError { get; } = new Absolute();

    /// <summary>
    /// Huber loss: error^2 / 2 for |error| up to <paramref name="delta"/>, and delta (|error| - delta / 2) beyond (Huber 1964,
    /// https://doi.org/10.1214/aoms/1177703732).
    /// </summary>
    /// <param name="delta">The error up to which the loss is quadratic, in units of the label. Above 0. Default 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delta"/> is not above 0 and finite.</exception>
    public static RegressionLoss Huber(float delta = 1) => new HuberLoss(delta);

    /// <summary>
    /// Quantile (pinball) loss, max(q (label - score), (q - 1) (label - score)): estimates the conditional quantile q (Koenker and Bassett
    /// 1978, https://doi.org/10.2307/1913643). Two models with 0.05 and 0.95 estimate a 90 % interval. With 0.5 it is half the absolute
    /// error.
    /// </summary>
    /// <param name="quantile">The quantile q: the fraction of labels below the score. Above 0, below 1. Default 0.5, the median.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="quantile"/> is out of range.</exception>
    public static RegressionLoss Quantile(float quantile = 0.5f) => new QuantileLoss(quantile);

    /// <param name="scores">[N].</param>
    /// <param name="labels">[N].</param>
    /// <returns>[N]. The caller disposes it.</returns>
    internal abstract Tensor OfEach(Tensor scores, Tensor labels);

    /// <summary>
    /// The equivalent loss for scores and labels divided by <paramref name="deviation"/>: parameters in units of the label (Huber's delta)
    /// are divided as well.
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
        // Not named "Quantile", which is the factory method of the base.
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
