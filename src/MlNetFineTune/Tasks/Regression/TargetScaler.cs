using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Standardises the labels of a regression, each output by the mean and standard deviation of its training labels, so that the same
/// learning rate suits labels of any unit, and converts outputs back to the unit of the labels. The statistics are those of scikit-learn's
/// <c>StandardScaler</c> with <c>sample_weight</c>: the population standard deviation (divided by the sum of the weights), computed in
/// double precision in two passes. The deviation of an output with constant labels (up to rounding) is 1.
/// </summary>
/// <remarks>
/// With an <see cref="OutputRange"/> the network's output is converted to a score by its sigmoid, in standardised units
/// (<see cref="OutputRange.Apply(Tensor, TargetScale)"/>); <see cref="Restore(Tensor)"/> then gives minimum + (maximum - minimum) sigmoid.
/// Parameters in units of the label, such as the delta of a Huber loss, are converted by <see cref="RegressionLoss.ForLabelsDividedBy"/>.
/// </remarks>
internal sealed record TargetScaler
{
    /// <param name="outputs">One scale per output of the network, at least one.</param>
    public TargetScaler(IReadOnlyList<TargetScale> outputs)
    {
        ArgumentNullException.ThrowIfNull(outputs);
        if (outputs.Count == 0)
            throw new ArgumentException("A regression has at least one output.", nameof(outputs));
        Outputs = [.. outputs];
    }

    public IReadOnlyList<TargetScale> Outputs { get; }

    /// <summary>The identity.</summary>
    public static TargetScaler Identity(int outputs) => new([.. Enumerable.Repeat(TargetScale.Identity, outputs)]);

    /// <param name="labels">Labels of the training rows, [rows, outputs] in row-major order. Finite unless the row's weight is 0.</param>
    /// <param name="outputs">Number of outputs.</param>
    /// <param name="weights">One per row, at least 0; empty if all are 1.</param>
    /// <returns>The identity if all weights are 0.</returns>
    /// <exception cref="ArgumentException">A label or weight is not valid, or their numbers differ.</exception>
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
    /// <returns>The same in standardised units, computed in doubles, of the type of the labels. The caller disposes it.</returns>
    public Tensor Standardize(Tensor labels)
    {
        using var scope = NewDisposeScope();
        return labels.to_type(ScalarType.Float64).sub(Means(labels)).div(Deviations(labels)).to_type(labels.dtype)
            .MoveToOuterDisposeScope();
    }

    /// <param name="outputs">[N, outputs], or [N] of one output, in standardised units.</param>
    /// <returns>The same in units of the labels, computed in doubles, of the type of the outputs. The caller disposes it.</returns>
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
        // Bound of the variance of a constant due to rounding, as in scikit-learn after Chan, Golub and LeVeque 1983
        // (https://doi.org/10.1080/00031305.1983.10483115).
        const double rounding = 1.0 / (1L << 52);
        var noise = counted * rounding * variance + Math.Pow(counted * mean * rounding, 2);
        return new(mean, variance <= noise ? 1 : Math.Sqrt(variance));
    }

    // Belong to the current dispose scope.
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
