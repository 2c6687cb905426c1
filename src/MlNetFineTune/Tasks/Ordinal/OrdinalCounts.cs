namespace MlNetFineTune.Tasks;

/// <summary>
/// Accumulates the metrics of ordinal predictions. Neither rows nor a confusion matrix are stored: with quadratic weights both sums of
/// kappa follow from first and second moments.
/// </summary>
internal sealed class OrdinalCounts
{
    private long _right;
    private long _distances;
    private long _squaredDistances;
    private long _labels;
    private long _predicted;
    private long _squares;

    public long Rows { get; private set; }

    /// <summary>Fraction of correctly classified rows. NaN without rows.</summary>
    public double Accuracy => _right / (double)Rows;

    /// <summary>Mean of |predicted - true| class index. NaN without rows.</summary>
    public double MeanAbsoluteError => _distances / (double)Rows;

    /// <summary>
    /// Cohen's kappa with quadratic weights (Cohen 1968, https://doi.org/10.1037/h0026256): 1 minus the ratio of the squared distances of
    /// the rows to those expected by chance with the same class frequencies (scikit-learn's <c>cohen_kappa_score</c> with
    /// <c>weights="quadratic"</c>). NaN without rows, and if all labels and all predictions are the same class.
    /// </summary>
    public double QuadraticWeightedKappa
    {
        get
        {
            // sum over i, j of (i - j)^2 labels[i] predicted[j] / n
            var expected = _squares - 2.0 * _labels * _predicted / Rows;
            return expected > 0 ? 1 - _squaredDistances / expected : double.NaN;
        }
    }

    /// <param name="label">The class, from 0.</param>
    /// <param name="predicted">The predicted class, from 0.</param>
    public void Add(int label, int predicted)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(label);
        ArgumentOutOfRangeException.ThrowIfNegative(predicted);
        var distance = Math.Abs((long)label - predicted);
        _right += distance == 0 ? 1 : 0;
        _distances += distance;
        _squaredDistances += distance * distance;
        _labels += label;
        _predicted += predicted;
        _squares += (long)label * label + (long)predicted * predicted;
        Rows++;
    }
}
