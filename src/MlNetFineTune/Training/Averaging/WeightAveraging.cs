namespace MlNetFineTune;

/// <summary>Whether the model has the weights of one epoch or an average of weights.</summary>
public abstract record WeightAveraging
{
    private protected WeightAveraging()
    {
    }

    /// <summary>No average: the weights of the best epoch. The default.</summary>
    public static WeightAveraging None { get; } = new NoAveraging();

    /// <summary>
    /// Exponential moving average, a = d a + (1 - d) w after every step (Polyak and Juditsky 1992), which is validated and returned instead
    /// of the weights, including running statistics of BatchNorm, as timm's ModelEmaV3. The decay warms up as in TensorFlow, d = min(decay,
    /// (1 + t) / (10 + t)) in step t from 0, so that initial weights lose their influence. Each phase of a strategy restarts the average.
    /// </summary>
    /// <param name="decay">
    /// Decay of the average. Above 0, below 1. Default 0.999. The average covers about 1 / (1 - decay) steps, which should be less than the
    /// number of steps of the training.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The decay is out of range.</exception>
    public static WeightAveraging Exponential(float decay = 0.999f) => new ExponentialAveraging(decay);

    /// <summary>
    /// Uniform average of the best epochs' weights at the end of the training, including running statistics ("model soup", Wortsman et al.
    /// 2022, https://arxiv.org/abs/2203.05482). It is evaluated on the validation rows and used only if it is better than the best epoch.
    /// Requires validation.
    /// </summary>
    /// <param name="count">Number of averaged epochs. At least 2. Default 3.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 2.</exception>
    public static WeightAveraging BestCheckpoints(int count = 3) => new BestAveraging(count);

    /// <summary>Number of epochs whose weights are stored.</summary>
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
