using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

public abstract partial record Calibration
{
    /// <summary>Result of <see cref="Calibration.Temperature"/> on the validation rows; saved with the model.</summary>
    public sealed record Report
    {
        /// <summary>
        /// The divisor of the logits before softmax or sigmoid; above 1 for an overconfident network. From 0.05 to 20; 1 (with a warning)
        /// if the optimum is outside this range, for example because all rows are classified correctly.
        /// </summary>
        public required float Temperature { get; init; }

        /// <summary>Number of validation rows that were scored.</summary>
        public required int Rows { get; init; }

        /// <summary>Mean negative log-likelihood of the true classes before calibration, in nats.</summary>
        public required double LossBefore { get; init; }

        /// <summary>Mean negative log-likelihood of the true classes after calibration, in nats.</summary>
        public required double LossAfter { get; init; }

        /// <summary>
        /// Expected calibration error before calibration, from 0 to 1: the absolute difference between the mean probability of the
        /// predicted class and the accuracy, averaged over 15 bins of equal width weighted by their rows (Guo et al. 2017, equation 3).
        /// </summary>
        public required double ErrorBefore { get; init; }

        /// <summary>
        /// Expected calibration error after calibration, from 0 to 1, on the rows of the fit and therefore slightly optimistic.
        /// </summary>
        public required double ErrorAfter { get; init; }

        /// <summary>The target precision of <see cref="RejectThresholds"/>. Above 0, at most 1.</summary>
        public required float TargetPrecision { get; init; }

        /// <summary>
        /// For each class name, the score below which a prediction of the class should be rejected, for example reviewed by a person: the
        /// smallest score such that among the validation rows predicted as this class with at least this score, of which there must be 10
        /// or more, the precision is at least <see cref="TargetPrecision"/>. Null if there is no such score, because of too few rows or too
        /// many errors. Binary models have the classes <c>False</c> and <c>True</c>; the score of <c>False</c> is 1 minus the probability.
        /// <c>PredictedLabel</c> is not affected.
        /// </summary>
        public required IReadOnlyDictionary<string, float?> RejectThresholds { get; init; }

        /// <exception cref="ArgumentException">The report does not belong to these classes, or its values are not valid.</exception>
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

        /// <summary>Names and values as text, in the invariant culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }
}
