using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>
/// The learning rate schedule: a factor of <see cref="FineTuningOptions.LearningRate"/> that depends only on the step
/// (<see cref="Plateau"/>: and on the validation losses so far). In a strategy with several phases the schedule runs once in each. The
/// warm-up is a fraction of all steps: w steps with the factors 1/w, 2/w, ... 1, followed by the schedule over the other steps; in PyTorch
/// <c>SequentialLR</c> of <c>LinearLR(start_factor=1/w, total_iters=w-1)</c> and the named scheduler, stepped after every batch.
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

    /// <summary>Constant learning rate (PyTorch: <c>ConstantLR(factor=1)</c>).</summary>
    /// <param name="warmup">Fraction of all steps that warm up. At least 0, below 1. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static LearningRateSchedule Constant(float warmup = 0) => new ConstantSchedule(warmup);

    /// <summary>
    /// Cosine decay to zero (Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983; PyTorch: <c>CosineAnnealingLR(T_max=n)</c> for n
    /// steps).
    /// </summary>
    /// <param name="warmup">Fraction of all steps that warm up. At least 0, below 1. Default 0.05.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static LearningRateSchedule Cosine(float warmup = 0.05f) => new CosineSchedule(warmup);

    /// <summary>Linear decay to zero (PyTorch: <c>LinearLR(start_factor=1, end_factor=0, total_iters=n)</c> for n steps).</summary>
    /// <param name="warmup">Fraction of all steps that warm up. At least 0, below 1. Default 0.05.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static LearningRateSchedule Linear(float warmup = 0.05f) => new LinearSchedule(warmup);

    /// <summary>
    /// Step decay (PyTorch: <c>MultiStepLR(milestones=[ceil(n / phases), ceil(2 n / phases), ...], gamma=factor)</c> for n steps).
    /// </summary>
    /// <param name="phases">Number of phases of equal length; each has the rate of the one before
    /// times the factor. At least 2. Default 3.</param>
    /// <param name="factor">Factor of the rate from phase to phase. Above 0, below 1. Default 0.1.</param>
    /// <param name="warmup">Fraction of all steps that warm up. At least 0, below 1. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static LearningRateSchedule Step(int phases = 3, float factor = 0.1f, float warmup = 0) =>
        new StepSchedule(phases, factor, warmup);

    /// <summary>
    /// One-cycle schedule: cosine warm-up, then cosine decay to almost zero (Smith and Topin 2018, https://arxiv.org/abs/1708.07120;
    /// PyTorch: <c>OneCycleLR(max_lr, total_steps, pct_start=warmup, cycle_momentum=False)</c>). The warm-up is the rising part; one of
    /// less than a step starts at the maximum.
    /// </summary>
    /// <param name="warmup">Fraction of all steps with a rising rate. At least 0, below 1. Default 0.3.</param>
    /// <param name="initialDivisor">Ratio of the maximum to the first learning rate. At least 1. Default 25.</param>
    /// <param name="finalDivisor">Ratio of the first to the last learning rate. At least 1. Default 10,000.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static LearningRateSchedule OneCycle(float warmup = 0.3f, float initialDivisor = 25, float finalDivisor = 1e4f) =>
        new OneCycleSchedule(warmup, initialDivisor, finalDivisor);

    /// <summary>
    /// Reduces the rate when the validation loss has not fallen by 0.01 % below its minimum for more epochs than the patience (PyTorch:
    /// <c>ReduceLROnPlateau(factor, patience)</c>, stepped after every epoch). Requires validation. Epochs of the warm-up are included.
    /// </summary>
    /// <param name="factor">Factor of each reduction. Above 0, below 1. Default 0.1.</param>
    /// <param name="patience">Number of epochs without improvement before a reduction. At least 0. Default 2.</param>
    /// <param name="warmup">Fraction of all steps that warm up. At least 0, below 1. Default 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static LearningRateSchedule Plateau(float factor = 0.1f, int patience = 2, float warmup = 0) =>
        new PlateauSchedule(factor, patience, warmup);

    /// <summary>The factor of the learning rate in a step.</summary>
    /// <param name="step">Index of the step, from 0; steps after the last one have the factor of the last.</param>
    /// <param name="steps">Number of steps of the phase.</param>
    /// <param name="validationLosses">Validation losses of the phase's epochs so far.</param>
    internal abstract double FactorAt(int step, int steps, params ReadOnlySpan<double> validationLosses);

    /// <exception cref="ArgumentException">Other options contradict the schedule.</exception>
    internal virtual void Check(FineTuningOptions options)
    {
    }

    /// <summary>Number of steps of the warm-up; not necessarily an integer.</summary>
    private protected double WarmupOf(int steps) => _warmup * steps;

    private protected static float CheckFactor(float factor) => factor is > 0 and < 1
        ? factor
        : throw new ArgumentOutOfRangeException(nameof(factor), factor, "The factor must be above 0 and below 1.");

    /// <summary>A schedule with a linear warm-up before it: 1/w, 2/w, ... 1.</summary>
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

        /// <param name="step">The step, from 0.</param>
        /// <param name="steps">Number of steps after the warm-up, at least 1.</param>
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
