using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record LearningRateSchedule
{
    private sealed record PlateauSchedule : WarmedUpSchedule
    {
        // Relative improvement: PyTorch's default.
        private const double Threshold = 1e-4;

        [NotInFingerprint("Factor, as doubles count")]
        private readonly double _factor;

        public PlateauSchedule(float factor, int patience, float warmup)
            : base(warmup)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(patience);
            (Factor, Patience) = (CheckFactor(factor), patience);
            _factor = ExactDouble.Of(factor);
        }

        public float Factor { get; }

        public int Patience { get; }

        public override string ToString() =>
            FormattableString.Invariant($"Plateau(factor: {Factor}, patience: {Patience}, warmup: {Warmup})");

        internal override void Check(FineTuningOptions options)
        {
            if (options.Validation is ValidationData.NoValidation)
                throw new ArgumentException("LearningRateSchedule.Plateau needs validation: it waits for the validation loss to stop "
                    + "falling. Set Validation, or another Schedule.", nameof(options));
            if (options.EarlyStoppingPatience <= Patience + 1)
            {
                throw new ArgumentException(
                    $"EarlyStoppingPatience {options.EarlyStoppingPatience} would end the training before {this} lowers the rate, "
                        + $"after {Patience + 1} epochs without progress: set it to more than {Patience + 1}.", nameof(options));
            }
        }

        private protected override double AfterWarmup(int step, int steps, ReadOnlySpan<double> validationLosses)
        {
            var (best, waited, lowered) = (double.PositiveInfinity, 0, 0);
            foreach (var loss in validationLosses)
            {
                if (loss < best * (1 - Threshold))
                    (best, waited) = (loss, 0);
                else if (++waited > Patience)
                    (waited, lowered) = (0, lowered + 1);
            }
            return Math.Pow(_factor, lowered);
        }
    }
}
