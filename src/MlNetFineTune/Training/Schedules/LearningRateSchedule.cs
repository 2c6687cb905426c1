using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// The course of the learning rate: a factor of <see cref="FineTuningOptions.LearningRate"/>, a pure function of the step
/// (<see cref="Plateau"/>: and of the validation losses so far). A strategy of several phases runs through the schedule once in each. A
/// warm-up is a share of all steps: w of them, in which the factor is 1/w, 2/w, ... 1, before the rest of the steps goes through the
/// schedule proper; in PyTorch <c>SequentialLR</c> of <c>LinearLR(start_factor=1/w, total_iters=w-1)</c> and the scheduler that each
/// schedule names, stepped after every batch.
/// </summary>
public abstract partial record LearningRateSchedule
{
    [NotInFingerprint("Warmup, as doubles count")]
    private readonly double _warmup;

    private protected LearningRateSchedule(float warmup)
    {
        Warmup = warmup is >= 0 and < 1
            ? warmup
            : throw new ArgumentOutOfRangeException(
                nameof(warmup), warmup, "The warm-up's share of the steps must be at least 0 and below 1.");
        _warmup = ExactDouble.Of(warmup);
    }

    private protected float Warmup { get; }

    /// <summary>The same rate throughout (PyTorch: <c>ConstantLR(factor=1)</c>).</summary>
    /// <param name="warmup">Share of all steps that warm up. 0 to below 1.</param>
    public static LearningRateSchedule Constant(float warmup = 0) => new ConstantSchedule(warmup);

    /// <summary>Falls along half a cosine to zero (Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983;
    /// PyTorch: <c>CosineAnnealingLR(T_max=n)</c> for n steps).</summary>
    /// <param name="warmup">Share of all steps that warm up. 0 to below 1.</param>
    public static LearningRateSchedule Cosine(float warmup = 0.05f) => new CosineSchedule(warmup);

    /// <summary>Falls along a line to zero (PyTorch: <c>LinearLR(start_factor=1, end_factor=0, total_iters=n)</c> for n steps).</summary>
    /// <param name="warmup">Share of all steps that warm up. 0 to below 1.</param>
    public static LearningRateSchedule Linear(float warmup = 0.05f) => new LinearSchedule(warmup);

    /// <summary>Falls in steps (PyTorch: <c>MultiStepLR(milestones=[ceil(n / phases), ceil(2 n / phases), ...],
    /// gamma=factor)</c> for n steps).</summary>
    /// <param name="phases">Number of phases of equal length; each has the rate of the one before
    /// times the factor. At least 2. Default 3.</param>
    /// <param name="factor">Factor of the rate from phase to phase. Above 0, below 1. Default 0.1.</param>
    /// <param name="warmup">Share of all steps that warm up. 0 to below 1.</param>
    public static LearningRateSchedule Step(int phases = 3, float factor = 0.1f, float warmup = 0) =>
        new StepSchedule(phases, factor, warmup);

    /// <summary>
    /// Rises along half a cosine, and falls along another to almost nothing (Smith and Topin 2018, https://arxiv.org/abs/1708.07120;
    /// PyTorch: <c>OneCycleLR(max_lr, total_steps, pct_start=warmup, cycle_momentum=False)</c>). Here the warm-up is the rising half;
    /// one of less than a step begins at the top.
    /// </summary>
    /// <param name="warmup">Share of all steps that rise. 0 to below 1.</param>
    /// <param name="initialDivisor">The first step has the learning rate divided by this. At least 1.</param>
    /// <param name="finalDivisor">The last step has the first one's rate divided by this. At least 1.</param>
    public static LearningRateSchedule OneCycle(float warmup = 0.3f, float initialDivisor = 25, float finalDivisor = 1e4f) =>
        new OneCycleSchedule(warmup, initialDivisor, finalDivisor);

    /// <summary>
    /// Lowers the rate whenever the validation loss has stopped falling: when it has not been 0.01 % below its best for more
    /// epochs than the patience (PyTorch: <c>ReduceLROnPlateau(factor, patience)</c>, stepped after every epoch). Needs
    /// validation. Epochs of the warm-up count as well.
    /// </summary>
    /// <param name="factor">Factor by which the rate is multiplied each time. Above 0, below 1.</param>
    /// <param name="patience">Number of epochs without progress before the rate is lowered. 0 or above. Default 2.</param>
    /// <param name="warmup">Share of all steps that warm up. 0 to below 1.</param>
    public static LearningRateSchedule Plateau(float factor = 0.1f, int patience = 2, float warmup = 0) =>
        new PlateauSchedule(factor, patience, warmup);

    /// <summary>The factor of the learning rate in a step.</summary>
    /// <param name="step">Index of the step, from 0; steps after the last one have the factor of the last.</param>
    /// <param name="steps">Number of steps of the run, or of its part.</param>
    /// <param name="validationLosses">Validation losses of the epochs so far, in the same run or part.</param>
    internal abstract double FactorAt(int step, int steps, params ReadOnlySpan<double> validationLosses);

    /// <exception cref="ArgumentException">Other options contradict the schedule.</exception>
    internal virtual void Check(FineTuningOptions options)
    {
    }

    /// <summary>Number of steps of the warm-up; not necessarily whole.</summary>
    private protected double WarmupOf(int steps) => _warmup * steps;

    private protected static float CheckFactor(float factor) => factor is > 0 and < 1
        ? factor
        : throw new ArgumentOutOfRangeException(nameof(factor), factor, "The factor must be above 0 and below 1.");

    /// <summary>A schedule whose warm-up rises linearly, ahead of the schedule proper: 1/w, 2/w, ... 1.</summary>
    private abstract record WarmedUpSchedule : LearningRateSchedule
    {
        private protected WarmedUpSchedule(float warmup)
            : base(warmup)
        {
        }

        internal sealed override double FactorAt(int step, int steps, params ReadOnlySpan<double> validationLosses)
        {
            var warmup = (int)Math.Round(WarmupOf(steps));
            return step < warmup ? (step + 1.0) / warmup : AfterWarmup(step - warmup, Math.Max(steps - warmup, 1), validationLosses);
        }

        /// <param name="step">From 0.</param>
        /// <param name="steps">After the warm-up; at least 1.</param>
        /// <param name="validationLosses">Validation losses of all epochs so far.</param>
        private protected abstract double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses);
    }

    private sealed record ConstantSchedule : WarmedUpSchedule
    {
        public ConstantSchedule(float warmup)
            : base(warmup)
        {
        }

        public override string ToString() => FormattableString.Invariant($"Constant(warmup: {Warmup})");

        private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses) => 1;
    }

    private sealed record CosineSchedule : WarmedUpSchedule
    {
        public CosineSchedule(float warmup)
            : base(warmup)
        {
        }

        public override string ToString() => FormattableString.Invariant($"Cosine(warmup: {Warmup})");

        /// <summary>(1 + cos(pi step / steps)) / 2.</summary>
        private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses) =>
            0.5 * (1 + Math.Cos(Math.PI * step / steps));
    }

    private sealed record LinearSchedule : WarmedUpSchedule
    {
        public LinearSchedule(float warmup)
            : base(warmup)
        {
        }

        public override string ToString() => FormattableString.Invariant($"Linear(warmup: {Warmup})");

        private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses) =>
            1 - step / (double)steps;
    }
}
