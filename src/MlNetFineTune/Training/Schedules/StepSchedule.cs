using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record LearningRateSchedule
{
    private sealed record StepSchedule : WarmedUpSchedule
    {
        [NotInFingerprint("Factor, as doubles count")]
        private readonly double _factor;

        public StepSchedule(int phases, float factor, float warmup)
            : base(warmup)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(phases, 2);
            (Phases, Factor) = (phases, CheckFactor(factor));
            _factor = ExactDouble.Of(factor);
        }

        public int Phases { get; }

        public float Factor { get; }

        public override string ToString() => FormattableString.Invariant($"Step(phases: {Phases}, factor: {Factor}, warmup: {Warmup})");

        /// <summary>factor ^ floor(phases step / steps).</summary>
        private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses) =>
            Math.Pow(_factor, Math.Min((long)Phases * step / steps, Phases - 1));
    }
}
