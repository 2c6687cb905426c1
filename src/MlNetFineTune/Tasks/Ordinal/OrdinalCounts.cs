namespace MlNetFineTune.Tasks;

/// <summary>
/// True and predicted classes of ordered labels, row by row. Rows are not kept, nor is a confusion matrix needed: with quadratic weights
/// both its sums are made of first and second moments.
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

    /// <summary>The share of rows that are right. NaN without rows.</summary>
    public double Accuracy => _right / (double)Rows;

    /// <summary>How many classes the prediction is off, on average. NaN without rows.</summary>
    public double MeanAbsoluteError => _distances / (double)Rows;

    /// <summary>
    /// Cohen's kappa with quadratic weights (Cohen 1968, https://doi.org/10.1037/h0026256): 1 minus the squared distances of the rows over
    /// those that are expected of the same frequencies by chance (scikit-learn's <c>cohen_kappa_score</c> with
    /// <c>weights="quadratic"</c>). 1 is perfect, 0 is chance. NaN without rows, and where all labels and all predictions are one class.
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
