using MlNetFineTune.Primitives;

namespace MlNetFineTune;

public sealed partial record ConformalPrediction
{
    /// <summary>Result of the calibration of <see cref="ConformalPrediction"/>; saved with the model.</summary>
    public sealed record Report
    {
        /// <summary>The requested probability that a set contains the true class. Above 0, below 1.</summary>
        public required float Coverage { get; init; }

        /// <summary>Number of calibration rows that were scored.</summary>
        public required int Rows { get; init; }

        /// <summary>
        /// The largest nonconformity score of a class in a set: one number, or one for each class, in the order of
        /// <see cref="FineTuningTransformer.Classes"/> (false, true for binary models). Infinite if too few calibration rows could be
        /// read: all classes are then in the set.
        /// </summary>
        public required IReadOnlyList<float> Quantiles { get; init; }

        /// <summary>
        /// The novelty above which a row is rejected, from 0 to 2; null without a novelty score; infinite if too few calibration rows could
        /// be read.
        /// </summary>
        public required float? NoveltyThreshold { get; init; }

        /// <summary>Number of training rows whose features are in the model; 0 without a novelty score.</summary>
        public required int NoveltyRows { get; init; }

        /// <summary>Size of these features, in memory and in the model file, in bytes.</summary>
        public required long NoveltyBytes { get; init; }

        /// <summary>Names and values as text, in the invariant culture.</summary>
        public override string ToString() => InvariantText.Of(this);
    }
}
