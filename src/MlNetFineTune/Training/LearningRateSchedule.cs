namespace MlNetFineTune;

/// <summary>How the learning rate moves over a run: a pure function of the step.</summary>
public abstract record LearningRateSchedule
{
    private protected LearningRateSchedule()
    {
    }

    /// <summary>The same rate throughout.</summary>
    public static LearningRateSchedule Constant { get; } = new ConstantSchedule();

    /// <summary>
    /// Rises linearly during the warm-up, then falls along half a cosine to zero (Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983).
    /// </summary>
    /// <param name="warmup">Share of all steps. 0 up to, not including, 1.</param>
    public static LearningRateSchedule Cosine(float warmup = 0.05f) => new CosineSchedule(warmup);

    /// <summary>The factor of the learning rate in a step.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="steps">Of the whole run.</param>
    internal abstract double FactorAt(int step, int steps);

    private sealed record ConstantSchedule : LearningRateSchedule
    {
        public override string ToString() => nameof(Constant);

        internal override double FactorAt(int step, int steps) => 1;
    }

    private sealed record CosineSchedule : LearningRateSchedule
    {
        private readonly float _warmup;

        public CosineSchedule(float warmup) => _warmup = warmup is >= 0 and < 1
            ? warmup
            : throw new ArgumentOutOfRangeException(nameof(warmup), warmup, "The warm-up's share of the steps must be at least 0 and below 1.");

        public override string ToString() => FormattableString.Invariant($"Cosine(warmup: {_warmup})");

        internal override double FactorAt(int step, int steps)
        {
            var warmup = (int)Math.Round(_warmup * steps);
            return step < warmup
                ? (step + 1.0) / warmup
                : 0.5 * (1 + Math.Cos(Math.PI * (step - warmup) / Math.Max(steps - warmup, 1)));
        }
    }
}
