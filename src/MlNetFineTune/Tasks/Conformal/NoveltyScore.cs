namespace MlNetFineTune;

public sealed partial record ConformalPrediction
{
    /// <summary>How unlike the training rows a row is.</summary>
    public abstract record NoveltyScore
    {
        private protected NoveltyScore()
        {
        }

        /// <summary>No novelty score: no column, and nothing stored.</summary>
        public static NoveltyScore None { get; } = new NoNovelty();

        /// <summary>
        /// Distance to the k-th nearest of a sample of the training rows, in the features before the head (Sun et al. 2022,
        /// https://arxiv.org/abs/2204.06507): 1 minus the cosine similarity, from 0 (the same direction) to 2; half the square of the
        /// paper's distance of normalised features, and so in the same order. A row is rejected if it is above the threshold, which is the
        /// conformal quantile of the calibration rows: of new rows from the same source, at most <paramref name="falseAlarmRate"/> are
        /// above it (Laxhammar and Falkman 2010; Bates et al. 2023, https://arxiv.org/abs/2104.08279). The model contains the features of
        /// the sampled rows: 4 bytes times <paramref name="rows"/> times the number of features, 2 MB for 1000 rows of 512 features.
        /// Training runs the network once more over these rows, and each scored row is compared with all of them on the CPU:
        /// <paramref name="rows"/> times the number of features multiplications, half a million in this example.
        /// Requires a network that can compute the features separately: images, and modules whose stages run one by one.
        /// </summary>
        /// <param name="neighbors">k. At least 1. Default 5. With fewer rows in the sample, the farthest of them.</param>
        /// <param name="rows">Largest number of sampled rows, drawn by the seed. 1 to 100,000. Default 1000.</param>
        /// <param name="falseAlarmRate">
        /// Fraction of rows like the calibration rows that may be rejected as novel. 1e-6 to 1 - 1e-6. Default 0.05, which needs
        /// 19 calibration rows.
        /// </param>
        /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
        public static NoveltyScore NearestNeighbors(int neighbors = 5, int rows = 1000, float falseAlarmRate = 0.05f)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbors);
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MostRows);
            return falseAlarmRate is >= LeastRate and <= MostRate
                ? new NeighborNovelty(neighbors, rows, falseAlarmRate)
                : throw new ArgumentOutOfRangeException(
                    nameof(falseAlarmRate), falseAlarmRate, "The rate of false alarms must be from 1e-6 to 1 - 1e-6.");
        }

        internal const int MostRows = 100_000;

        internal sealed record NoNovelty : NoveltyScore
        {
            public override string ToString() => nameof(None);
        }

        internal sealed record NeighborNovelty(int Neighbors, int Rows, float FalseAlarmRate) : NoveltyScore
        {
            public override string ToString() => FormattableString.Invariant(
                $"{nameof(NearestNeighbors)}(neighbors: {Neighbors}, rows: {Rows}, falseAlarmRate: {FalseAlarmRate})");
        }
    }
}
