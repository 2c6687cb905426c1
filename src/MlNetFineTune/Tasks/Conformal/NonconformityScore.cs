using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

public sealed partial record ConformalPrediction
{
    /// <summary>
    /// How little a class conforms to a row, from the row's probabilities; deterministic, without the random number by which some papers
    /// break ties. Any of them has the guaranteed coverage; they differ in the size of the sets and in their distribution over the rows.
    /// </summary>
    public abstract record NonconformityScore
    {
        private protected NonconformityScore()
        {
        }

        /// <summary>
        /// 1 minus the probability of the class (Sadinle, Lei and Wasserman 2019, https://arxiv.org/abs/1609.00451: least ambiguous
        /// set-valued classifiers). No other score has smaller sets on average if the probabilities are right. Sets can be empty, for rows
        /// of which no class is probable enough: a network that is right more often than <see cref="Coverage"/> has such rows instead of
        /// sets of two.
        /// </summary>
        public static NonconformityScore LeastAmbiguous { get; } = new LeastAmbiguousScore();

        /// <summary>
        /// Total probability of the classes that are more probable (Romano, Sesia and Candès 2020, https://arxiv.org/abs/2006.02544:
        /// adaptive prediction sets, with the random number u = 0). Difficult rows have large sets, easy rows small ones; the predicted
        /// class is always in the set of a score without class-conditional quantiles, which is never empty.
        /// </summary>
        public static NonconformityScore Adaptive { get; } = new CumulativeScore(0, 1);

        /// <summary>
        /// <see cref="Adaptive"/> plus a penalty for each class beyond the first ones (Angelopoulos et al. 2021,
        /// https://arxiv.org/abs/2009.14193: regularised adaptive prediction sets): sets of similar size, for many classes.
        /// </summary>
        /// <param name="penalty">Penalty for each rank above <paramref name="freeRanks"/>; λ in the paper. At least 0.
        /// Default 0.1.</param>
        /// <param name="freeRanks">Number of classes without a penalty, most probable first; k_reg in the paper. At least 1.
        /// Default 1.</param>
        /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
        public static NonconformityScore RegularizedAdaptive(float penalty = 0.1f, int freeRanks = 1)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(penalty);
            if (!float.IsFinite(penalty))
                throw new ArgumentOutOfRangeException(nameof(penalty), penalty, "The penalty must be a finite number.");
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(freeRanks);
            return new CumulativeScore(penalty, freeRanks);
        }

        /// <summary>Computes the score of each class.</summary>
        /// <param name="descending">Probabilities of the classes in descending order.</param>
        /// <param name="scores">Receives the scores in the same order.</param>
        internal abstract void OfRanks(ReadOnlySpan<float> descending, Span<float> scores);

        /// <summary>Adds the scores to a graph.</summary>
        /// <param name="graph">Receives the nodes.</param>
        /// <param name="probabilities">[N, classes].</param>
        /// <param name="classes">Number of classes.</param>
        /// <returns>[N, classes], in the order of the classes.</returns>
        internal abstract GraphValue Write(NetworkGraph graph, GraphValue probabilities, int classes);

        /// <summary>The description in a model file.</summary>
        internal abstract ScoreManifest Describe();

        internal sealed record LeastAmbiguousScore : NonconformityScore
        {
            public override string ToString() => nameof(LeastAmbiguous);

            internal override void OfRanks(ReadOnlySpan<float> descending, Span<float> scores)
            {
                for (var rank = 0; rank < descending.Length; rank++)
                    scores[rank] = 1 - descending[rank];
            }

            internal override GraphValue Write(NetworkGraph graph, GraphValue probabilities, int classes) =>
                graph.Add("Sub", [graph.Scalar("one", 1), probabilities]);

            internal override ScoreManifest Describe() => new(ScoreManifest.LeastAmbiguous);
        }

        internal sealed record CumulativeScore(float Penalty, int FreeRanks) : NonconformityScore
        {
            public override string ToString() => Penalty == 0 ? nameof(Adaptive)
                : FormattableString.Invariant($"{nameof(RegularizedAdaptive)}(penalty: {Penalty}, freeRanks: {FreeRanks})");

            internal override void OfRanks(ReadOnlySpan<float> descending, Span<float> scores)
            {
                var before = 0f;
                for (var rank = 0; rank < descending.Length; rank++)
                {
                    scores[rank] = before + PenaltyOf(rank);
                    before += descending[rank];
                }
            }

            // Sorted, because the score depends on the rank, and scattered back into the order of the classes. Among equal probabilities
            // TopK takes the lower index first, as ConformalSets does.
            internal override GraphValue Write(NetworkGraph graph, GraphValue probabilities, int classes)
            {
                var (sorted, indices) = graph.TopK(probabilities, classes);
                var before = graph.Add("CumSum", [sorted, graph.Constant("axis", 1L)], ("exclusive", 1L));
                var penalties = graph.Constant("penalties", [1, classes], [.. Enumerable.Range(0, classes).Select(PenaltyOf)]);
                return graph.Add(
                    "ScatterElements", [graph.Product(probabilities, graph.Scalar("zero", 0)), indices, graph.Sum(before, penalties)],
                    ("axis", 1L));
            }

            internal override ScoreManifest Describe() => new(ScoreManifest.Cumulative, Penalty, FreeRanks);

            private float PenaltyOf(int rank) => Penalty * Math.Max(0, rank + 1 - FreeRanks);
        }
    }
}
