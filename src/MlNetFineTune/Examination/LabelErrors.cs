using System.Numerics.Tensors;

namespace MlNetFineTune.Examination;

/// <summary>
/// Out-of-fold probability of each row's label, and likely label errors, by a linear model on frozen features. Rows of both splits are
/// judged alike: every row by a model that was fitted to other rows, of either split.
/// </summary>
internal sealed class LabelErrors
{
    // Beside the mean loss, for inputs of length 1. From the planted errors of examine-study: accuracy and precision of the errors are
    // highest near it on ants-bees and flowers; ten times as much and a tenth are both worse.
    private const double Penalty = 1e-3;

    private LabelErrors(int rows)
    {
        (Quality, Suggested) = (new float[rows], new int[rows]);
        Array.Fill(Quality, float.NaN);
        Array.Fill(Suggested, -1);
    }

    /// <summary>Probability of each row's label; NaN if the row was not judged.</summary>
    public float[] Quality { get; }

    /// <summary>For each likely label error, the class that it seems to have; otherwise -1.</summary>
    public int[] Suggested { get; }

    /// <summary>Number of judged rows.</summary>
    public int Judged { get; private init; }

    /// <summary>Fraction of the judged rows whose most probable class is the label; NaN if none was judged.</summary>
    public double Agreement { get; private init; } = double.NaN;

    /// <param name="rows">The rows.</param>
    /// <param name="features">Features of the usable rows.</param>
    /// <param name="duplicates">Near-duplicates, which are kept in one fold.</param>
    /// <param name="options">The options.</param>
    /// <param name="seed">Seed of the folds.</param>
    /// <param name="advance">Called after each fold.</param>
    public static LabelErrors Find(
        ExaminedRows rows, RowFeatures features, NearDuplicates duplicates, ExaminationOptions options, long seed, Action advance)
    {
        // Classes with fewer groups than folds would be missing from the rows of some model.
        var judgedClasses = features.Rows.Where(row => rows.ClassOf[row] >= 0).GroupBy(row => rows.ClassOf[row])
            .Where(same => same.DistinctBy(duplicates.GroupOf).Count() >= options.Folds)
            .Select(same => same.Key).Order().ToList();
        if (judgedClasses.Count < 2)
            return new LabelErrors(rows.Count);
        var classOf = judgedClasses.Index().ToDictionary(known => known.Item, known => known.Index);
        int[] places = [.. features.Rows.Index().Where(row => classOf.ContainsKey(rows.ClassOf[row.Item])).Select(row => row.Index)];
        var labels = Array.ConvertAll(places, place => classOf[rows.ClassOf[features.Rows[place]]]);
        var groups = Array.ConvertAll(places, place => duplicates.GroupOf(features.Rows[place]));

        var classes = judgedClasses.Count;
        var probabilities = new float[places.Length * classes];
        using (var model = new SoftmaxRegression(features.WithOnes(places), labels, classes, Penalty))
        {
            foreach (var fold in OutOfFold.Divide(labels, groups, options.Folds, seed))
            {
                var scores = model.ScoreHeldOut(fold, options.CancellationToken);
                for (var i = 0; i < fold.Length; i++)
                    scores.AsSpan(i * classes, classes).CopyTo(probabilities.AsSpan(fold[i] * classes));
                advance();
            }
        }
        var agree = labels.Where((label, row) =>
            TensorPrimitives.IndexOfMax<float>(probabilities.AsSpan(row * classes, classes)) == label).Count();
        var found = new LabelErrors(rows.Count) { Judged = places.Length, Agreement = agree / (double)places.Length };
        var suggested = ConfidentLearning.SuggestedLabels(probabilities, labels, classes);
        for (var i = 0; i < places.Length; i++)
        {
            var row = features.Rows[places[i]];
            found.Quality[row] = probabilities[i * classes + labels[i]];
            found.Suggested[row] = suggested[i] < 0 ? -1 : judgedClasses[suggested[i]];
        }
        return found;
    }
}
