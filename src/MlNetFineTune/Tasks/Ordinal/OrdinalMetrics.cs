using MlNetFineTune.Primitives;

namespace MlNetFineTune;

/// <summary>How good the predictions of a model of ordered classes are, by scikit-learn's definitions.</summary>
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
    /// Cohen's kappa with quadratic weights (Cohen 1968): agreement beyond chance, where a mistake counts by the square of how many classes
    /// it is off. 1 is perfect, 0 is chance, below 0 is worse than chance. NaN without rows, and where all labels and all predictions are
    /// one class.
    /// </summary>
    public double QuadraticWeightedKappa { get; }

    /// <summary>How many classes the prediction is off, on average: 0 or more, lower is better. NaN without rows.</summary>
    public double MeanAbsoluteError { get; }

    /// <summary>The share of rows whose class is predicted exactly, from 0 to 1; higher is better. NaN without rows.</summary>
    public double Accuracy { get; }

    /// <summary>The rows that were judged.</summary>
    public long Rows { get; }

    /// <summary>
    /// Rows that were left out because the label or the prediction is missing, such as pictures that could not be read. Where there are
    /// many, the metrics are better than the model.
    /// </summary>
    public long RowsLeftOut { get; }

    /// <summary>Names and values, with the same numbers in every culture.</summary>
    public override string ToString() => InvariantText.Of(this);
}
