using System.Numerics.Tensors;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace MlNetFineTune.Transforms;

/// <summary>
/// Attention rollout (Abnar and Zuidema 2020, https://arxiv.org/abs/2005.00928, section 3): with the attention A of a block, averaged over
/// heads, and the identity I for the residual connection, the product of (A + I) / 2 from the last block to the first is the share of each
/// input token in each output token, if blocks only mixed tokens. The heat is the row of the class token, the mean of the patches' rows if
/// the features are the mean of the patches, or the mean of all rows weighted as the head's attention pooling weights the tokens.
/// </summary>
internal sealed record AttentionRollout : Explanation
{
    internal override string Name => nameof(AttentionRollout);

    internal override MethodManifest Describe() => new AttentionRolloutManifest();

    internal override HeatMapMethod Bind(FineTunedNetwork network, PictureForm pixels, ModelInputs probe, ExplainedOutput output)
    {
        if (Class is not null || Head is not null)
        {
            throw new ArgumentException(
                "Attention rollout is the same for every output, so Class and Head have no meaning for it: leave them out, or use "
                + "Explanation.IntegratedGradients(), which explains one class.");
        }
        var attends = network.HasAttention.ToList();
        if (!attends.Contains(true) || network.Pooling is not { } pooling)
        {
            throw new ArgumentException(
                $"Attention rollout needs the self-attention of a vision transformer, and {network.Name} has none that is known. Use "
                + "Explanation.GradCam() where stages give maps, else Explanation.IntegratedGradients().");
        }
        var unknown = attends.FindIndex(attends.IndexOf(true), knows => !knows);
        if (unknown >= 0)
        {
            throw new ArgumentException(
                $"Stage '{network.Stages[unknown]}' of {network.Name} was replaced, and nothing is known of its attention. Use "
                + "Explanation.IntegratedGradients().");
        }
        using var scope = NewDisposeScope();
        var patches = network.AttentionWeights(probe)[0].shape[2] - 1;
        var side = (long)Math.Round(Math.Sqrt(patches));
        return side * side == patches
            ? new Method(side, pooling == Backbone.TokenPooling.Mean)
            : throw new ArgumentException(
                $"The {patches + 1} tokens of {network.Name} are no class token and a square of patches, so there is no map of them. "
                + "Use Explanation.IntegratedGradients().");
    }

    internal sealed class Method(long side, bool poolsPatches) : HeatMapMethod(side, side)
    {
        public override Tensor MapsOf(FineTunedNetwork network, ModelInputs inputs)
        {
            using var scope = NewDisposeScope();
            Tensor? rollout = null;
            foreach (var weights in network.AttentionWeights(inputs)) // [N, T, T]
            {
                var mixed = weights.Add(eye(weights.shape[1], dtype: weights.dtype, device: weights.device)).Mul(0.5);
                rollout = rollout is null ? mixed : mixed.matmul(rollout);
            }
            var patches = Height * Width;
            var shares = network.PoolingWeights(inputs) is { } attended
                ? attended.unsqueeze(1).matmul(rollout!).squeeze(1) // [N, 1, T] x [N, T, T] -> [N, T]
                : poolsPatches
                ? rollout!.narrow(1, 1, patches).mean([1]) // [N, T, T] -> [N, T]
                : rollout!.select(1, 0);
            return shares.narrow(1, 1, patches).reshape(-1, Height, Width).MoveToOuterDisposeScope(); // [N, side, side]
        }

        // Every patch has some share: the minimum is shown as cold.
        public override (float Cold, float Hot) RangeOf(ReadOnlySpan<float> map) =>
            (TensorPrimitives.Min(map), TensorPrimitives.Max(map));
    }
}

/// <summary>Description for the model file.</summary>
internal sealed record AttentionRolloutManifest : MethodManifest
{
    public override Explanation Create() => Explanation.AttentionRollout();
}
