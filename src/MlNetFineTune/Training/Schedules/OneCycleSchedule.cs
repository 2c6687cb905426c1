using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record LearningRateSchedule
{
    private sealed record OneCycleSchedule : LearningRateSchedule
    {
        public OneCycleSchedule(float warmup, float initialDivisor, float finalDivisor)
            : base(warmup)
        {
            InitialDivisor = CheckDivisor(initialDivisor, nameof(initialDivisor));
            FinalDivisor = CheckDivisor(finalDivisor, nameof(finalDivisor));
        }

        public float InitialDivisor { get; }

        public float FinalDivisor { get; }

        public override string ToString() =>
            FormattableString.Invariant($"OneCycle(warmup: {Warmup}, initialDivisor: {InitialDivisor}, finalDivisor: {FinalDivisor})");

        /// <summary>The maximum is at the end of the warm-up, possibly between two steps.</summary>
        internal override double FactorAt(int step, int steps, params ReadOnlySpan<double> validationLosses)
        {
            var (top, last) = (Math.Max(WarmupOf(steps) - 1, 0), steps - 1);
            var first = 1 / ExactDouble.Of(InitialDivisor);
            var final = first / ExactDouble.Of(FinalDivisor);
            return step < top ? Between(first, 1, step / top)
                : step < last ? Between(1, final, (step - top) / (last - top))
                : last > top ? final : 1;
        }

        // Cosine interpolation.
        private static double Between(double from, double to, double share) => to + (from - to) / 2 * (1 + Math.Cos(Math.PI * share));

        private static float CheckDivisor(float divisor, string name) => divisor >= 1 && float.IsFinite(divisor)
            ? divisor
            : throw new ArgumentOutOfRangeException(name, divisor, "A divisor of the learning rate must be at least 1.");
    }
}
