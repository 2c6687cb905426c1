using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>Parallel heads on the same features: [N, features] -> [N, sum of outputs].</summary>
internal sealed class SeveralHeads : NetworkHead
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly TorchSharp.Modules.ModuleList<NetworkHead> heads;
#pragma warning restore IDE1006

    public SeveralHeads(IReadOnlyList<NetworkHead> heads)
        : base(nameof(SeveralHeads))
    {
        this.heads = new([.. heads]);
        RegisterComponents();
    }

    /// <summary>The heads in the order of the outputs.</summary>
    public IEnumerable<NetworkHead> Parts => heads;

    public override int Outputs => heads.Sum(head => head.Outputs);

    // Random weights depend on tensor names, which are equal in all heads, so that each head needs its own seed.
    public override void Initialize(long seed)
    {
        for (var i = 0; i < heads.Count; i++)
            heads[i].Initialize(seed + i);
    }

    public override Tensor forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        return cat([.. heads.Select(head => head.forward(features))], 1).MoveToOuterDisposeScope();
    }

    public override GraphValue Write(NetworkGraph graph, GraphValue features) =>
        graph.Add("Concat", [.. heads.Select(head => head.Write(graph, features))], ("axis", 1L));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var head in heads)
                head.Dispose();
        }
        base.Dispose(disposing);
    }
}
