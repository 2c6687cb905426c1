using MlNetFineTune.Training;

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

    /// <summary>
    /// WiSE-FT (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903): at the end the weights on the line from the best epoch of the
    /// strategy's first phase to the best epoch after it are evaluated at equal distances, running statistics included, and the best on
    /// validation are the model's; the ends are among them, so that it is never worse there than either. Models between the pretrained
    /// network with a trained head and the fine-tuned network are often as accurate, and more robust to other kinds of pictures. Needs
    /// validation and a strategy of two phases or more, such as <see cref="Strategy.ProbeThenFull"/>. Costs <paramref name="steps"/> - 1
    /// evaluations, which end early when the training is asked to stop. With <see cref="Adapter.Lora"/> the factors of the adapters are
    /// mixed and not their products, so that the path between the two ends is curved.
    /// </summary>
    /// <param name="steps">Number of parts of the line. 2 to 100. Default 10: shares of 0.1, 0.2, ... of the later epoch.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public static WeightAveraging WiseFt(int steps = 10) => new WiseFtAveraging(steps);

    /// <summary>Number of epochs whose weights are stored; with <see cref="KeepsFirstPhase"/>, in that phase and again after it.</summary>
    internal virtual int KeptEpochs => 1;

    /// <summary>Whether the best epochs of the first phase are stored separately from those after it.</summary>
    internal virtual bool KeepsFirstPhase => false;

    /// <summary>The weights of the averages that are evaluated at the end, for the stored epochs in their order.</summary>
    internal virtual IEnumerable<IReadOnlyList<double>> SharesOf(int kept) => [];

    /// <exception cref="ArgumentException">The strategy does not have the required phases.</exception>
    internal virtual void Check(TrainingPlan plan)
    {
    }

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

        internal override IEnumerable<IReadOnlyList<double>> SharesOf(int kept) =>
            kept >= 2 ? [[.. Enumerable.Repeat(1.0 / kept, kept)]] : [];

        public override string ToString() => FormattableString.Invariant($"BestCheckpoints({KeptEpochs})");
    }

    internal sealed record WiseFtAveraging : WeightAveraging
    {
        public WiseFtAveraging(int steps) => Steps = steps is >= 2 and <= 100
            ? steps
            : throw new ArgumentOutOfRangeException(nameof(steps), steps, "The line between two epochs has 2 to 100 parts.");

        public int Steps { get; }

        internal override bool KeepsFirstPhase => true;

        internal override IEnumerable<IReadOnlyList<double>> SharesOf(int kept) => kept == 2
            ? Enumerable.Range(1, Steps - 1).Select(i => (double)i / Steps).Select(share => (double[])[1 - share, share])
            : [];

        internal override void Check(TrainingPlan plan)
        {
            if (plan.Phases.Count < 2)
            {
                throw new ArgumentException(
                    "WeightAveraging.WiseFt needs a strategy of two phases or more, whose weights it mixes, and this one has one: take "
                    + "Strategy.ProbeThenFull or Gradual.", "options");
            }
        }

        public override string ToString() => FormattableString.Invariant($"WiseFt({Steps})");
    }
}
