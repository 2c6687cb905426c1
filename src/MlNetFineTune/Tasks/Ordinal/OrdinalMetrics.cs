using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>Metrics of an ordinal model with scikit-learn's definitions. Rows are not weighted.</summary>
public sealed record OrdinalMetrics
{
    internal OrdinalMetrics(double quadraticWeightedKappa, double meanAbsoluteError, double accuracy, long rows, long rowsLeftOut)
    {
        QuadraticWeightedKappa = quadraticWeightedKappa;
        MeanAbsoluteError = meanAbsoluteError;
        Accuracy = accuracy;
        Rows = rows;
        RowsLeftOut = rowsLeftOut;
    }

    /// <summary>
    /// Cohen's kappa with quadratic weights (Cohen 1968): the agreement beyond chance, where an error counts by the square of its distance
    /// in classes. At most 1; higher is better, 0 is chance, and below 0 is worse than chance. NaN without rows, and if all labels and all
    /// predictions are the same class.
    /// </summary>
    public double QuadraticWeightedKappa { get; }

    /// <summary>Mean of |predicted - true| class index, in classes: at least 0, lower is better. NaN without rows.</summary>
    public double MeanAbsoluteError { get; }

    /// <summary>Fraction of correctly classified rows, from 0 to 1; higher is better. NaN without rows.</summary>
    public double Accuracy { get; }

    /// <summary>Number of evaluated rows.</summary>
    public long Rows { get; }

    /// <summary>
    /// Number of rows excluded because the label or the prediction is missing, such as pictures that could not be read. If there are many,
    /// the metrics are too optimistic.
    /// </summary>
    public long RowsLeftOut { get; }

    /// <summary>Names and values as text, in the invariant culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
