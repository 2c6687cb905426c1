using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>A table of vectors: indices [...] -> [..., C]. Its weights are left uninitialised, as <see cref="Linear"/>'s are.</summary>
internal sealed class TokenEmbedding : nn.Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    internal readonly Parameter weight; // [count, C]
#pragma warning restore IDE1006

    public TokenEmbedding(int count, int width)
        : base(nameof(TokenEmbedding))
    {
        weight = Parameters.Of(empty(count, width, Parameters.Type));
        RegisterComponents();
    }

    public override Tensor forward(Tensor indices)
    {
        using var flat = indices.flatten();
        using var rows = weight.index_select(0, flat); // [N T, C]
        return rows.view([.. indices.shape, weight.shape[1]]);
    }

    /// <summary><see cref="forward"/> for indices of Int64.</summary>
    public GraphValue Write(NetworkGraph graph, GraphValue indices) =>
        graph.Add("Gather", [graph.Constant("embedding", weight), indices], ("axis", 0L));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            weight.Dispose();
        base.Dispose(disposing);
    }
}
