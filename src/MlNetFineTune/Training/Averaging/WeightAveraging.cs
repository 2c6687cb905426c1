namespace MlNetFineTune;

/// <summary>Whether the model has the weights of one epoch, or an average.</summary>
public abstract record WeightAveraging
{
    private protected WeightAveraging()
    {
    }

    /// <summary>No average: the weights of the best epoch. The default.</summary>
    public static WeightAveraging None { get; } = new NoAveraging();

    /// <summary>
    /// A moving average, a = d a + (1 - d) w after every step (Polyak and Juditsky 1992), is judged and kept in the place of the weights,
    /// running statistics of BatchNorm included, as timm's ModelEmaV3 does it. It warms up as in TensorFlow, d = min(decay, (1 + t) / (10 +
    /// t)) in step t from 0, so that it forgets the beginning; each part of a strategy begins afresh.
    /// </summary>
    /// <param name="decay">Above 0, below 1. The average looks back about 1 / (1 - decay) steps; make that less than the run has.</param>
    public static WeightAveraging Exponential(float decay = 0.999f) => new ExponentialAveraging(decay);

    /// <summary>
    /// At the end the uniform average of the best epochs' weights ("model soup", Wortsman et al. 2022, https://arxiv.org/abs/2203.05482) is
    /// judged as well, running statistics included, and taken only if it is better on validation than the best epoch. Needs validation.
    /// </summary>
    /// <param name="count">Number of epochs that are averaged. At least 2. Default 3.</param>
    public static WeightAveraging BestCheckpoints(int count = 3) => new BestAveraging(count);

    /// <summary>Epochs whose weights are kept.</summary>
    internal virtual int KeptEpochs => 1;

    private sealed record NoAveraging : WeightAveraging
    {
        public override string ToString() => nameof(None);
    }

    internal sealed record ExponentialAveraging : WeightAveraging
    {
        public ExponentialAveraging(float decay) => Decay = decay is > 0 and < 1
            ? decay
            : throw new ArgumentOutOfRangeException(nameof(decay), decay, "The decay of the average must be above 0 and below 1.");

        public float Decay { get; }

        public override string ToString() => FormattableString.Invariant($"Exponential({Decay})");
    }

    internal sealed record BestAveraging : WeightAveraging
    {
        public BestAveraging(int count) => KeptEpochs = count >= 2
            ? count
            : throw new ArgumentOutOfRangeException(nameof(count), count, "An average needs at least 2 epochs.");

        internal override int KeptEpochs { get; }

        public override string ToString() => FormattableString.Invariant($"BestCheckpoints({KeptEpochs})");
    }
}
