using System.Numerics.Tensors;

namespace MlNetFineTune.Tasks;

/// <summary>The sets of classes of a calibrated classifier.</summary>
/// <param name="Score">The nonconformity score.</param>
/// <param name="Quantiles">The largest score of a class in a set: one for all classes, or one for each.</param>
internal sealed record ConformalSets(ConformalPrediction.NonconformityScore Score, IReadOnlyList<float> Quantiles)
{
    /// <param name="options">Score, coverage, and whether each class has a quantile.</param>
    /// <param name="probabilities">Probabilities of the classes for each calibration row.</param>
    /// <param name="labels">The true class of each of these rows, from 0.</param>
    /// <param name="classes">Number of classes.</param>
    public static ConformalSets Fit(
        ConformalPrediction options, IReadOnlyList<float[]> probabilities, IReadOnlyList<int> labels, int classes)
    {
        float[] scores = [.. probabilities.Zip(labels, (ofRow, label) => ScoresOf(options.Score, ofRow).OfClasses[label])];
        if (!options.ClassConditional)
            return new(options.Score, [ConformalQuantile.Of(scores, options.Coverage)]);
        var byClass = scores.Zip(labels).ToLookup(pair => pair.Second, pair => pair.First);
        return new(options.Score, [.. Enumerable.Range(0, classes).Select(c => ConformalQuantile.Of(byClass[c], options.Coverage))]);
    }

    /// <summary>The classes of a row's set, the most probable first.</summary>
    /// <param name="probabilities">Probabilities of all classes; NaN for a row that could not be read, whose set is empty.</param>
    public int[] Of(ReadOnlySpan<float> probabilities)
    {
        if (float.IsNaN(TensorPrimitives.Sum(probabilities)))
            return [];
        var (order, scores) = ScoresOf(Score, probabilities);
        return [.. order.Where(c => scores[c] <= Quantiles[Quantiles.Count == 1 ? 0 : c])];
    }

    /// <summary>
    /// Nonconformity scores, with the classes in descending order of their probability, the lower index first among equals.
    /// </summary>
    private static (int[] Order, float[] OfClasses) ScoresOf(
        ConformalPrediction.NonconformityScore score, ReadOnlySpan<float> probabilities)
    {
        var sorted = probabilities.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length).OrderByDescending(c => sorted[c])]; // stable
        var (descending, ofRanks) = (Array.ConvertAll(order, c => sorted[c]), new float[sorted.Length]);
        score.OfRanks(descending, ofRanks);
        var ofClasses = new float[sorted.Length];
        for (var rank = 0; rank < order.Length; rank++)
            ofClasses[order[rank]] = ofRanks[rank];
        return (order, ofClasses);
    }
}
