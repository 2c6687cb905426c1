using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Bounds of the scores of a regression: score = minimum + (maximum - minimum) * sigmoid(output), as fastai's <c>y_range</c> and
/// <c>sigmoid_range</c> (https://docs.fast.ai/layers.html#sigmoid_range). Scores approach the bounds only asymptotically, with vanishing
/// gradients: if labels equal the bounds, a range that is a few per cent wider trains better.
/// </summary>
internal sealed record OutputRange
{
    /// <param name="minimum">In units of the label. Finite.</param>
    /// <param name="maximum">In units of the label. Finite and above the minimum.</param>
    /// <exception cref="ArgumentOutOfRangeException">A bound is not finite, or the minimum is not below the maximum.</exception>
    public OutputRange(float minimum, float maximum)
    {
        if (!float.IsFinite(minimum))
            throw new ArgumentOutOfRangeException(nameof(minimum), minimum, "The minimum of the output range must be a finite number.");
        if (!float.IsFinite(maximum) || maximum <= minimum)
        {
            throw new ArgumentOutOfRangeException(nameof(maximum), maximum, FormattableString.Invariant(
                $"The maximum of the output range must be finite and above its minimum ({minimum})."));
        }
        (Minimum, Maximum) = (minimum, maximum);
    }

    public override string ToString() => FormattableString.Invariant($"({Minimum}, {Maximum})");

    public float Minimum { get; }

    public float Maximum { get; }

    /// <summary>Scores in standardised units, in which the loss is computed.</summary>
    /// <param name="outputs">Of the network, any shape, of a floating-point type.</param>
    /// <param name="scale">Mean and deviation by which labels are standardised.</param>
    /// <returns>A tensor of the same shape and type. The caller disposes it.</returns>
    public Tensor Apply(Tensor outputs, TargetScale scale)
    {
        using var scope = NewDisposeScope();
        var (from, to) = (scale.Standardize(Minimum), scale.Standardize(Maximum));
        return outputs.sigmoid().Mul(to - from).Add(from).MoveToOuterDisposeScope();
    }
}
