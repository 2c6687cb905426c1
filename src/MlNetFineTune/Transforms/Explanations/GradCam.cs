using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Transforms;

/// <summary>
/// Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391, equations 1 and 2): with maps A of a stage and the explained output
/// y, the weight of a map is the mean of dy / dA over its positions, and the heat is relu(sum of weight times map).
/// </summary>
internal sealed record GradCam(string? Stage) : Explanation
{
    internal override string Name => $"{nameof(GradCam)}(stage: {Stage ?? "last"})";

    internal override MethodManifest Describe() => new GradCamManifest(Stage);

    internal override HeatMapMethod Bind(FineTunedNetwork network, PictureForm pixels, ModelInputs probe, ExplainedOutput output)
    {
        if (!network.RunsInStages)
        {
            throw new ArgumentException(
                $"Grad-CAM needs the maps of a stage, and {network.Name} runs as a whole. Use Explanation.IntegratedGradients(), which "
                + "needs no stage.");
        }
        if (Stage is not null)
        {
            var named = network.Stages.ToList().IndexOf(Stage);
            if (named < 0)
            {
                throw new ArgumentException(
                    $"{network.Name} has no stage {SafeText.Quoted(Stage)}; there are: {SafeText.Several(network.Stages)}.");
            }
            var shape = ShapeOf(network, probe, named);
            return IsMaps(shape) ? new Method(named, shape, output) : throw new ArgumentException(
                $"Stage '{Stage}' of {network.Name} gives {SafeText.Shape(shape)} for one picture; Grad-CAM needs maps "
                + $"[1, channels, height, width] of more than one place. {Advice(network)}");
        }
        for (var stage = network.Stages.Count - 1; stage >= 0; stage--)
        {
            if (ShapeOf(network, probe, stage) is var shape && IsMaps(shape))
                return new Method(stage, shape, output);
        }
        throw new ArgumentException(
            $"No stage of {network.Name} gives maps [1, channels, height, width] of more than one place, which Grad-CAM needs. "
            + Advice(network));
    }

    private static string Advice(FineTunedNetwork network) => network.HasAttention.Contains(true)
        ? "For a vision transformer use Explanation.AttentionRollout() or Explanation.IntegratedGradients()."
        : "Use another stage, or Explanation.IntegratedGradients(), which needs none.";

    private static bool IsMaps(long[] shape) => shape is [_, _, var height, var width] && height * width > 1;

    private static long[] ShapeOf(FineTunedNetwork network, ModelInputs probe, int stage)
    {
        using var maps = network.ForwardMaps(probe, stage);
        return maps.shape;
    }

    internal sealed class Method(int stage, long[] shape, ExplainedOutput output) : HeatMapMethod(shape[2], shape[3])
    {
        public int Stage => stage;

        public override Tensor MapsOf(FineTunedNetwork network, ModelInputs inputs)
        {
            using var scope = NewDisposeScope();
            var maps = network.ForwardMaps(inputs, stage); // [N, C, h, w]
            var gradients = InputGradient.Of(
                maps, point => network.ForwardFromMaps(inputs.With(point), stage), output, choices: null); // [N, C, h, w]
            var weights = gradients.mean([2, 3], keepdim: true); // [N, C, 1, 1]
            return weights.mul(maps).sum(1).relu().MoveToOuterDisposeScope(); // [N, h, w]
        }

        public override (float Cold, float Hot) RangeOf(ReadOnlySpan<float> map) => (0, System.Numerics.Tensors.TensorPrimitives.Max(map));
    }
}

/// <summary>Description for the model file.</summary>
internal sealed record GradCamManifest(string? Stage) : MethodManifest
{
    public override Explanation Create() => Explanation.GradCam(Stage);
}
