using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

public abstract partial record Calibration
{
    /// <summary>Result of <see cref="Calibration.Temperature"/> on the validation rows; saved with the model.</summary>
    public sealed record Report
    {
        /// <summary>
        /// The number by which logits are divided before the softmax or sigmoid: above 1 where the network was overconfident. 1 (with a
        /// warning) where the rows determine none between 0.05 and 20, such as when the network was right for all of them.
        /// </summary>
        public required float Temperature { get; init; }

        /// <summary>Number of validation rows that were scored.</summary>
        public required int Rows { get; init; }

        /// <summary>Mean negative log-likelihood of the true classes by the network's own probabilities.</summary>
        public required double LossBefore { get; init; }

        /// <summary>Mean negative log-likelihood of the true classes by the calibrated probabilities.</summary>
        public required double LossAfter { get; init; }

        /// <summary>
        /// Expected calibration error of the network's own probabilities, from 0 to 1: how far the greatest probability is from the share
        /// of rows that are right, in the mean over 15 bins of equal width, each counted by its rows (Guo et al. 2017, equation 3).
        /// </summary>
        public required double ErrorBefore { get; init; }

        /// <summary>Expected calibration error of the calibrated probabilities, on the rows that they were fitted to,
        /// thus slightly too low.</summary>
        public required double ErrorAfter { get; init; }

        /// <summary>The precision that <see cref="RejectThresholds"/> aim at.</summary>
        public required float TargetPrecision { get; init; }

        /// <summary>
        /// By class name, a score below which a row that is predicted as the class is better given to a person: the smallest score of a
        /// validation row predicted as the class such that of those rows with this score or above, which must be 10 or more, the share that
        /// truly are of the class is <see cref="TargetPrecision"/> or more. Null where there is none: too few rows, or too many wrong ones.
        /// Binary models have the classes <c>False</c> and <c>True</c>, and the score of false is one less the probability.
        /// <c>PredictedLabel</c> stays as it is.
        /// </summary>
        public required IReadOnlyDictionary<string, float?> RejectThresholds { get; init; }

        /// <exception cref="ArgumentException">It does not belong to these classes, or cannot be scored with.</exception>
        internal void CheckClasses(IReadOnlyList<string> classes)
        {
            try
            {
                Check(classes);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"its calibration makes no sense ({SafeText.Message(e)})", e);
            }
        }

        private void Check(IReadOnlyList<string> classes)
        {
            if (!(Temperature is >= (float)TemperatureScaling.Least and <= (float)TemperatureScaling.Greatest))
                throw new ArgumentException(FormattableString.Invariant($"the temperature is {Temperature}"));
            var named = RejectThresholds.Keys.Order(StringComparer.Ordinal);
            if (!named.SequenceEqual(classes.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), StringComparer.Ordinal))
            {
                throw new ArgumentException(
                    $"there are reject thresholds for the classes {string.Join(", ", RejectThresholds.Keys)}; "
                    + $"the model has {string.Join(", ", classes)}");
            }
        }

        /// <summary>Names and values, with the same numbers in every culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }
}
