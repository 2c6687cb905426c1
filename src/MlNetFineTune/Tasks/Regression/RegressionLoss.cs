using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune;

/// <summary>What training a regression makes small, as a mean over the rows. Validation and ML.NET's metrics judge by the squared error as well.</summary>
public abstract record RegressionLoss
{
    private protected RegressionLoss()
    {
    }

    /// <summary>(score - label)^2: towards the mean; large errors count most.</summary>
    public static RegressionLoss SquaredError { get; } = new Squared();

    /// <summary>|score - label|: towards the median; outliers count little.</summary>
    public static RegressionLoss AbsoluteError { get; } = new Absolute();

    /// <summary>Half the squared error up to <paramref name="delta"/>, and delta (|error| - delta / 2) beyond (Huber 1964, https://doi.org/10.1214/aoms/1177703732).</summary>
    /// <param name="delta">In units of the label. Above 0.</param>
    public static RegressionLoss Huber(float delta = 1) => new HuberLoss(delta);

    /// <param name="scores">[N].</param>
    /// <param name="labels">[N].</param>
    /// <returns>[N]. Caller disposes.</returns>
    internal abstract Tensor OfEach(Tensor scores, Tensor labels);

    private sealed record Squared : RegressionLoss
    {
        internal override Tensor OfEach(Tensor scores, Tensor labels) => nn.functional.mse_loss(scores, labels, nn.Reduction.None);

        public override string ToString() => nameof(SquaredError);
    }

    private sealed record Absolute : RegressionLoss
    {
        internal override Tensor OfEach(Tensor scores, Tensor labels) => nn.functional.l1_loss(scores, labels, nn.Reduction.None);

        public override string ToString() => nameof(AbsoluteError);
    }

    private sealed record HuberLoss : RegressionLoss
    {
        public HuberLoss(float delta) => Delta = delta > 0 && float.IsFinite(delta)
            ? delta
            : throw new ArgumentOutOfRangeException(nameof(delta), delta, "Delta must be above 0.");

        public float Delta { get; }

        internal override Tensor OfEach(Tensor scores, Tensor labels) => nn.functional.huber_loss(scores, labels, Delta, nn.Reduction.None);

        public override string ToString() => FormattableString.Invariant($"Huber({Delta})");
    }
}
