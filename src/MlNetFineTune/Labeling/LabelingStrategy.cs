using MlNetFineTune.Labeling;

namespace MlNetFineTune;

/// <summary>How <c>ml.FineTuning.RankForLabeling</c> chooses the rows to label next.</summary>
public abstract record LabelingStrategy
{
    private LabelingStrategy()
    {
    }

    /// <summary>A row to label.</summary>
    /// <param name="Key">Key of the row, such as the path of the picture.</param>
    /// <param name="Score">
    /// <see cref="Margin"/> and <see cref="DiverseMargin"/>: the difference of the two largest probabilities, 0 to 1; rows with a smaller
    /// one are less certain. <see cref="CoreSet"/>: the cosine distance from the nearest row that is labelled or ranked before, 0 to 2; 2
    /// for the first row if none is labelled.
    /// </param>
    /// <param name="Reason">The same in words, with class names or the key of the nearest row.</param>
    public sealed record Suggestion(string Key, float Score, string Reason)
    {
        /// <summary>Key and reason; numbers are the same in every culture.</summary>
        public override string ToString() => $"{Key}: {Reason}";
    }

    /// <summary>Name of the column with the probabilities of the classes; null if the strategy does not use it.</summary>
    internal virtual string? ScoreColumn => null;

    /// <summary>Name of the feature column; null if the strategy does not use it.</summary>
    internal virtual string? FeaturesColumn => null;

    /// <summary>
    /// Margin sampling (Scheffer et al. 2001, https://doi.org/10.1007/3-540-44816-0_31): rows whose two most probable classes have the
    /// smallest difference of probabilities, in ascending order of it. Needs a trained model. Does not consider that rows may be alike.
    /// </summary>
    /// <param name="scoreColumnName">
    /// Name of the column with the probabilities of the classes (a vector of Single) or of the positive class (Single), which a trained
    /// model adds. Default "Score"; of a binary model take "Probability": a Single that is annotated as a score is an error.
    /// </param>
    public static LabelingStrategy Margin(string scoreColumnName = "Score") => new MarginStrategy(Named(scoreColumnName));

    /// <summary>
    /// Core-set by k-center greedy (Sener and Savarese 2018, https://arxiv.org/abs/1708.00489): each next row is the one with the largest
    /// cosine distance of features from the nearest row that is labelled or was chosen before, so that the labelled rows cover the data.
    /// Needs no trained model. Without labelled rows it starts with the row nearest to the mean direction.
    /// </summary>
    /// <param name="featuresColumnName">
    /// Name of the feature column, a vector of Single of known size, as from <c>ExtractImageFeatures</c>. Default "Features".
    /// </param>
    public static LabelingStrategy CoreSet(string featuresColumnName = "Features") => new CoreSetStrategy(Named(featuresColumnName));

    /// <summary>
    /// Core-set among uncertain rows: of the rows with the smallest margins (<see cref="Margin"/>), <paramref name="candidates"/> times as
    /// many as requested, <see cref="CoreSet"/> chooses those to label, so that similar rows are not labelled together. The idea is that of
    /// Zhdanov 2019 (https://arxiv.org/abs/1901.05954), with core-set in place of clustering.
    /// </summary>
    /// <param name="scoreColumnName">As for <see cref="Margin"/>.</param>
    /// <param name="featuresColumnName">As for <see cref="CoreSet"/>.</param>
    /// <param name="candidates">Number of candidates for each requested row. 2 to 1000. Default 2.</param>
    public static LabelingStrategy DiverseMargin(
        string scoreColumnName = "Score", string featuresColumnName = "Features", int candidates = 2)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(candidates, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(candidates, 1000);
        return new DiverseMarginStrategy(Named(scoreColumnName), Named(featuresColumnName), candidates);
    }

    /// <summary>Text for logs, in the invariant culture.</summary>
    public sealed override string ToString() => Code;

    private protected abstract string Code { get; }

    /// <param name="pool">The rows that can be labelled, with the columns of the strategy.</param>
    /// <param name="labeled">The labelled rows, with features if the strategy uses them.</param>
    /// <param name="count">Maximum number of results.</param>
    /// <param name="cancellation">Cancels the choice.</param>
    internal abstract IReadOnlyList<Suggestion> Rank(LabelingRows pool, LabelingRows labeled, int count, CancellationToken cancellation);

    private static string Named(string column)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(column);
        return column;
    }

    /// <summary>Smallest margins first.</summary>
    internal sealed record MarginStrategy(string Score) : LabelingStrategy
    {
        private protected override string Code => $"{nameof(Margin)}({Score})";

        internal override string? ScoreColumn => Score;

        internal override IReadOnlyList<Suggestion> Rank(
            LabelingRows pool, LabelingRows labeled, int count, CancellationToken cancellation) =>
            [.. pool.BySmallestMargin(count).Select(row => new Suggestion(pool.Keys[row], pool.Margins[row].Value, pool.MarginOf(row)))];
    }

    /// <summary>Most distant features first.</summary>
    internal sealed record CoreSetStrategy(string Features) : LabelingStrategy
    {
        private protected override string Code => $"{nameof(CoreSet)}({Features})";

        internal override string? FeaturesColumn => Features;

        internal override IReadOnlyList<Suggestion> Rank(
            LabelingRows pool, LabelingRows labeled, int count, CancellationToken cancellation) =>
            [.. KCenterGreedy.Choose(pool, labeled, count, cancellation)
                .Select(center => new Suggestion(pool.Keys[center.Row], center.Distance, center.Reason))];
    }

    /// <summary>Most distant features first, among the rows of the smallest margins.</summary>
    internal sealed record DiverseMarginStrategy(string Score, string Features, int Candidates) : LabelingStrategy
    {
        private protected override string Code =>
            FormattableString.Invariant($"{nameof(DiverseMargin)}({Score}, {Features}, candidates: {Candidates})");

        internal override string? ScoreColumn => Score;

        internal override string? FeaturesColumn => Features;

        internal override IReadOnlyList<Suggestion> Rank(
            LabelingRows pool, LabelingRows labeled, int count, CancellationToken cancellation)
        {
            var candidates = pool.Select(pool.BySmallestMargin((int)Math.Min(int.MaxValue, (long)count * Candidates)));
            return [.. KCenterGreedy.Choose(candidates, labeled, count, cancellation).Select(center => new Suggestion(
                candidates.Keys[center.Row], candidates.Margins[center.Row].Value,
                $"{candidates.MarginOf(center.Row)}; {center.Reason}"))];
        }
    }
}
