using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A vector for each value of a key (entity embeddings, Guo and Berkhahn 2016, https://arxiv.org/abs/1604.06737). The missing key has one
/// of its own. The length is fastai's rule, min(600, round(1.6 n^0.56)) for n values
/// (https://docs.fast.ai/tabular.model.html, <c>emb_sz_rule</c>).
/// </summary>
internal sealed class KeyEmbedding : nn.Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight; // [keys, length]
#pragma warning restore IDE1006

    /// <param name="keys">Values and the missing one.</param>
    public KeyEmbedding(int keys)
        : base(nameof(KeyEmbedding))
    {
        weight = Parameters.Of(empty(keys, LengthOf(keys), Parameters.Type));
        RegisterComponents();
    }

    public static int LengthOf(int keys) => (int)Math.Min(600, Math.Round(1.6 * Math.Pow(keys, 0.56)));

    /// <summary>PyTorch's default for embeddings: a normal distribution of deviation 1.</summary>
    public void Initialize(long seed, string name) => WeightInitialization.FillNormal(weight, 1, seed, RandomStream.WeightsOf(name));

    /// <param name="keys">[N, K] indices.</param>
    /// <returns>[N, K * length]. The caller disposes it.</returns>
    public override Tensor forward(Tensor keys)
    {
        using var flat = keys.flatten();
        using var rows = weight.index_select(0, flat); // [N * K, length]
        return rows.reshape(keys.shape[0], -1);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            weight.Dispose();
        base.Dispose(disposing);
    }
}
