using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>
/// F1 scores, the harmonic mean of precision and recall (van Rijsbergen 1979), as scikit-learn's <c>f1_score</c> with
/// <c>zero_division=0</c>. All are from 0 to 1; higher is better. The F1 of a class that is neither present nor predicted is 0, and it is
/// excluded from <see cref="Macro"/>.
/// </summary>
public sealed record F1Scores
{
    private F1Scores(IReadOnlyList<double> perClass, double macro, double micro, double weighted) =>
        (PerClass, Macro, Micro, Weighted) = (perClass, macro, micro, weighted);

    /// <summary>F1 of each class, 0 to 1, in the order of the confusion matrix.</summary>
    public IReadOnlyList<double> PerClass { get; }

    /// <summary>
    /// The unweighted mean of F1 over the classes that are present or predicted, 0 to 1, so that rare classes count as much as frequent
    /// ones.
    /// </summary>
    public double Macro { get; }

    /// <summary>F1 over all rows together, 0 to 1. With one label per row it equals the accuracy.</summary>
    public double Micro { get; }

    /// <summary>The mean of F1 over the classes, 0 to 1, weighted by the number of rows of each class.</summary>
    public double Weighted { get; }

    internal static F1Scores Of(double[][] confusion)
    {
        var classes = confusion.Length;
        var perClass = new double[classes];
        var (hits, total, weighted, occurring) = (0.0, 0.0, 0.0, 0);
        for (var c = 0; c < classes; c++)
        {
            var actual = confusion[c].Sum();
            var predicted = confusion.Sum(row => row[c]);
            occurring += actual + predicted > 0 ? 1 : 0;
            perClass[c] = actual + predicted > 0 ? 2 * confusion[c][c] / (actual + predicted) : 0;
            hits += confusion[c][c];
            total += actual;
            weighted += actual * perClass[c];
        }
        return new F1Scores(perClass, occurring > 0 ? perClass.Sum() / occurring : 0, total > 0 ? hits / total : 0,
            total > 0 ? weighted / total : 0);
    }

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
