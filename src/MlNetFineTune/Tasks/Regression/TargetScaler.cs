using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Standardises the labels of a regression, each output by the mean and the standard deviation of its training labels, so that the same
/// learning rate serves labels of any unit; and brings what the network gives back to the unit of the labels. The statistics are those of
/// scikit-learn's <c>StandardScaler</c> with <c>sample_weight</c>: the population's deviation (divided by the sum of the weights), computed
/// in doubles in two passes. An output whose labels are all the same, but for rounding, is shifted only: its deviation is 1.
/// </summary>
/// <remarks>
/// With an <see cref="OutputRange"/> the network's output is turned into a score by its sigmoid, in standardised units
/// (<see cref="OutputRange.Apply(Tensor, TargetScale)"/>); <see cref="Restore(Tensor)"/> then gives minimum + (maximum - minimum) sigmoid.
/// Of a length in units of the label, such as the delta of a Huber loss, <see cref="RegressionLoss.ForLabelsDividedBy"/> takes care.
/// </remarks>
internal sealed record TargetScaler
{
    /// <param name="outputs">One each, in the order of the network's outputs. At least one.</param>
    public TargetScaler(IReadOnlyList<TargetScale> outputs)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        if (outputs.Count == 0)
            throw new ArgumentException("A regression has at least one output.", nameof(outputs));
        Outputs = [.. outputs];
    }

    public IReadOnlyList<TargetScale> Outputs { get; }

    /// <param name="labels">Of the training rows, [rows, outputs] in row-major order. Finite where the row's weight is not 0.</param>
    /// <param name="outputs">Labels of a row.</param>
    /// <param name="weights">One a row, 0 or above; empty where all rows count alike.</param>
    /// <returns>The identity where no row has a weight.</returns>
    /// <exception cref="ArgumentException">A label or a weight that cannot be counted, or other numbers of them.</exception>
    public static TargetScaler Of(ReadOnlySpan<float> labels, int outputs = 1, ReadOnlySpan<float> weights = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        if (labels.Length % outputs != 0)
            throw new ArgumentException($"{labels.Length} labels are no rows of {outputs}.", nameof(labels));
        RowArguments.CheckWeights(labels.Length / outputs, weights);
        var scales = new TargetScale[outputs];
        for (var output = 0; output < outputs; output++)
            scales[output] = ScaleOf(labels, output, outputs, weights);
        return new(scales);
    }

    /// <param name="labels">[rows, outputs] in row-major order.</param>
    /// <returns>The same in standardised units, rounded once.</returns>
    public float[] Standardize(ReadOnlySpan<float> labels)
    {
        var standardized = new float[labels.Length];
        for (var i = 0; i < labels.Length; i++)
            standardized[i] = (float)Outputs[i % Outputs.Count].Standardize(labels[i]);
        return standardized;
    }

    /// <param name="outputs">[rows, outputs] in row-major order, in standardised units.</param>
    /// <returns>The same in units of the labels, rounded once.</returns>
    public float[] Restore(ReadOnlySpan<float> outputs)
    {
        var restored = new float[outputs.Length];
        for (var i = 0; i < outputs.Length; i++)
            restored[i] = (float)Outputs[i % Outputs.Count].Restore(outputs[i]);
        return restored;
    }

    /// <param name="labels">[N, outputs], or [N] of one output.</param>
    /// <returns>The same in standardised units, computed in doubles, of the type of the labels. Caller disposes.</returns>
    public Tensor Standardize(Tensor labels)
    {
        using var scope = NewDisposeScope();
        return labels.to_type(ScalarType.Float64).sub(Means(labels)).div(Deviations(labels)).to_type(labels.dtype)
            .MoveToOuterDisposeScope();
    }

    /// <param name="outputs">[N, outputs], or [N] of one output, in standardised units.</param>
    /// <returns>The same in units of the labels, computed in doubles, of the type of the outputs. Caller disposes.</returns>
    public Tensor Restore(Tensor outputs)
    {
        using var scope = NewDisposeScope();
        return outputs.to_type(ScalarType.Float64).mul(Deviations(outputs)).Add(Means(outputs)).to_type(outputs.dtype)
            .MoveToOuterDisposeScope();
    }

    public bool Equals(TargetScaler? other) => other is not null && Outputs.SequenceEqual(other.Outputs);

    public override int GetHashCode() => Outputs.Aggregate(Outputs.Count, HashCode.Combine);

    private static TargetScale ScaleOf(ReadOnlySpan<float> labels, int output, int outputs, ReadOnlySpan<float> weights)
    {
        var (total, sum, counted) = (0.0, 0.0, 0);
        for (var row = 0; row * outputs < labels.Length; row++)
        {
            var weight = weights.IsEmpty ? 1.0 : weights[row];
            if (weight == 0)
                continue;
            var label = labels[row * outputs + output];
            if (!float.IsFinite(label))
            {
                throw new ArgumentException(
                    FormattableString.Invariant($"Row {row} has the label {label} for output {output}."), nameof(labels));
            }
            (total, sum, counted) = (total + weight, sum + weight * label, counted + 1);
        }
        if (total == 0)
            return TargetScale.Identity;
        var (mean, squares) = (sum / total, 0.0);
        for (var row = 0; row * outputs < labels.Length; row++)
        {
            var weight = weights.IsEmpty ? 1.0 : weights[row];
            if (weight > 0)
                squares += weight * Math.Pow(labels[row * outputs + output] - mean, 2);
        }
        var variance = squares / total;
        // What a constant's variance may be by rounding, which scikit-learn bounds after Chan, Golub and LeVeque 1983
        // (https://doi.org/10.1080/00031305.1983.10483115).
        const double rounding = 1.0 / (1L << 52);
        var noise = counted * rounding * variance + Math.Pow(counted * mean * rounding, 2);
        return new(mean, variance <= noise ? 1 : Math.Sqrt(variance));
    }

    // Belong to the present dispose scope.
    private Tensor Means(Tensor like) => Vector(scale => scale.Mean, like);

    private Tensor Deviations(Tensor like) => Vector(scale => scale.Deviation, like);

    private Tensor Vector(Func<TargetScale, double> part, Tensor like)
    {
        var last = like.shape.Length < 2 ? 1 : like.shape[^1];
        if (last != Outputs.Count)
            throw new ArgumentException($"The tensor {SafeText.Shape(like.shape)} has not {Outputs.Count} outputs a row.", nameof(like));
        return tensor([.. Outputs.Select(part)], ScalarType.Float64, like.device);
    }
}
