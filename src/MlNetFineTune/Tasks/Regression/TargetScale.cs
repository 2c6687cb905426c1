using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// How the labels of a regression are standardised, (label - mean) / deviation, so that the same learning rate serves labels of any unit;
/// and how outputs are converted back to the unit of the labels. The statistics are those of scikit-learn's <c>StandardScaler</c> with
/// <c>sample_weight</c>: the population's deviation (divided by the sum of the weights), computed in doubles in two passes. Labels that are
/// all the same, but for rounding, are shifted only: their deviation is 1.
/// </summary>
/// <remarks>
/// With an <see cref="OutputRange"/> the network's output is converted to a score by its sigmoid, in standardised units
/// (<see cref="OutputRange.Apply"/>); <see cref="Restore(Tensor)"/> then gives minimum + (maximum - minimum) sigmoid. Parameters in units
/// of the label, such as the delta of a Huber loss, are converted by <see cref="RegressionLoss.ForLabelsDividedBy"/>.
/// </remarks>
internal sealed record TargetScale
{
    /// <param name="mean">Mean in units of the label. Finite.</param>
    /// <param name="deviation">Standard deviation in units of the label. Finite, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public TargetScale(double mean, double deviation)
    {
        Mean = double.IsFinite(mean)
            ? mean
            : throw new ArgumentOutOfRangeException(nameof(mean), mean, "The mean of the targets must be a finite number.");
        Deviation = deviation > 0 && double.IsFinite(deviation)
            ? deviation
            : throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The deviation of the targets must be above 0.");
    }

    public double Mean { get; }

    public double Deviation { get; }

    /// <summary>The identity.</summary>
    public static TargetScale Identity { get; } = new(0, 1);

    /// <param name="labels">Labels of the training rows. Finite if the row's weight is not 0.</param>
    /// <param name="weights">One per row, at least 0; empty if all are 1.</param>
    /// <returns>The identity if all weights are 0.</returns>
    /// <exception cref="ArgumentException">A label or weight is not valid, or their numbers differ.</exception>
    public static TargetScale Of(ReadOnlySpan<float> labels, ReadOnlySpan<float> weights = default)
    {
        RowArguments.CheckWeights(labels.Length, weights);
        var (total, sum, counted) = (0.0, 0.0, 0);
        for (var row = 0; row < labels.Length; row++)
        {
            var weight = weights.IsEmpty ? 1.0 : weights[row];
            if (weight == 0)
                continue;
            var label = labels[row];
            if (!float.IsFinite(label))
                throw new ArgumentException(FormattableString.Invariant($"Row {row} has the label {label}."), nameof(labels));
            (total, sum, counted) = (total + weight, sum + weight * label, counted + 1);
        }
        if (total == 0)
            return Identity;
        var (mean, squares) = (sum / total, 0.0);
        for (var row = 0; row < labels.Length; row++)
        {
            var weight = weights.IsEmpty ? 1.0 : weights[row];
            if (weight > 0)
                squares += weight * Math.Pow(labels[row] - mean, 2);
        }
        var variance = squares / total;
        // Bound of the variance of a constant due to rounding, as in scikit-learn after Chan, Golub and LeVeque 1983
        // (https://doi.org/10.1080/00031305.1983.10483115).
        const double rounding = 1.0 / (1L << 52);
        var noise = counted * rounding * variance + Math.Pow(counted * mean * rounding, 2);
        return new(mean, variance <= noise ? 1 : Math.Sqrt(variance));
    }

    public double Standardize(double label) => (label - Mean) / Deviation;

    public double Restore(double output) => Mean + Deviation * output;

    /// <param name="labels">Labels of any shape.</param>
    /// <returns>The same in standardised units, computed in doubles, of the type of the labels. The caller disposes it.</returns>
    public Tensor Standardize(Tensor labels)
    {
        using var scope = NewDisposeScope();
        return labels.to_type(ScalarType.Float64).Add(-Mean).Div(Deviation).to_type(labels.dtype).MoveToOuterDisposeScope();
    }

    /// <param name="outputs">Outputs of any shape, in standardised units.</param>
    /// <returns>The same in units of the labels, computed in doubles, of the type of the outputs. The caller disposes it.</returns>
    public Tensor Restore(Tensor outputs)
    {
        using var scope = NewDisposeScope();
        return outputs.to_type(ScalarType.Float64).Mul(Deviation).Add(Mean).to_type(outputs.dtype).MoveToOuterDisposeScope();
    }
}
