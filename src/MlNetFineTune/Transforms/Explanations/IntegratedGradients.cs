using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>
/// Integrated gradients (Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365, equation 1): with a baseline x' and the explained
/// output F, a number x of the input has the contribution (x - x') times the mean of dF / dx along the line from x' to x. The mean is
/// computed at the midpoints of equal intervals (the paper uses their ends), which is exact to the second order; the contributions of a
/// pixel's channels are added.
/// </summary>
internal sealed record IntegratedGradients : Explanation
{
    public IntegratedGradients(int steps, ColorTriple baseline)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, 10_000);
        foreach (var part in (ReadOnlySpan<float>)[baseline.Red, baseline.Green, baseline.Blue])
        {
            if (!(part is >= 0 and <= 1))
                throw new ArgumentOutOfRangeException(nameof(baseline), part, "Each part of the baseline's colour must be from 0 to 1.");
        }
        (Steps, Baseline) = (steps, baseline);
    }

    public int Steps { get; }

    public ColorTriple Baseline { get; }

    internal override string Name =>
        FormattableString.Invariant($"{nameof(IntegratedGradients)}(steps: {Steps}, baseline: ")
        + FormattableString.Invariant($"{Baseline.Red} {Baseline.Green} {Baseline.Blue})");

    internal override MethodManifest Describe() => new IntegratedGradientsManifest(Steps, Baseline);

    internal override HeatMapMethod Bind(FineTunedNetwork network, PictureForm pixels, ModelInputs probe, ExplainedOutput output)
    {
        var method = new Method(Steps, PixelNormalizer.Normalize(Baseline, pixels), pixels.Preprocessing.Size, output);
        using var maps = method.WithSteps(1).MapsOf(network, probe); // fails at once where there is no gradient
        return method;
    }

    /// <param name="steps">Number of points on the line.</param>
    /// <param name="baseline">The baseline, one number for each channel, normalised like pixels.</param>
    /// <param name="size">Width and height of the network's input.</param>
    /// <param name="output">The explained output.</param>
    internal sealed class Method(int steps, float[] baseline, int size, ExplainedOutput output) : HeatMapMethod(size, size)
    {
        // 500 of 224 x 224 values: a single one would hardly be visible.
        private const double ShownAsHottest = 0.01;

        public Method WithSteps(int other) => new(other, baseline, size, output);

        // A gradient of the whole network needs the activations of every layer.
        public override int BatchOf(int scoring) => Math.Max(scoring / 4, 1);

        public override Tensor MapsOf(FineTunedNetwork network, ModelInputs inputs)
        {
            using var scope = NewDisposeScope();
            var picture = inputs.Activations; // [N, channels, size, size]
            var from = tensor(baseline, device: picture.device).view(1, -1, 1, 1).to_type(picture.dtype);
            var difference = picture.sub(from);
            var choices = output.ChoicesOf(network.ForwardRest(inputs, first: 0));
            var sum = zeros_like(difference);
            for (var step = 0; step < steps; step++)
            {
                using var ofStep = NewDisposeScope();
                var point = from.Add(difference, (step + 0.5) / steps);
                sum.Add_(InputGradient.Of(point, here => network.ForwardRest(inputs.With(here), first: 0), output, choices));
            }
            return difference.mul(sum).Div(steps).sum(1).MoveToOuterDisposeScope(); // [N, size, size]
        }

        // Negative contributions are cold. With a few extreme pixels as maximum all others would be cold.
        public override (float Cold, float Hot) RangeOf(ReadOnlySpan<float> map)
        {
            var sorted = map.ToArray();
            Array.Sort(sorted);
            return (0, sorted[Math.Clamp((int)((1 - ShownAsHottest) * sorted.Length), 0, sorted.Length - 1)]);
        }
    }
}

/// <summary>Description for the model file.</summary>
internal sealed record IntegratedGradientsManifest(int Steps, ColorTriple Baseline) : MethodManifest
{
    public override Explanation Create() => Explanation.IntegratedGradients(Steps, Baseline);
}
