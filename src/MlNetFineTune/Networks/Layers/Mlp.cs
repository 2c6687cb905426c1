using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Two linear layers with GELU between them, over the last dimension: the perceptron of transformers.</summary>
internal sealed class Mlp : nn.Module<Tensor, Tensor>
{
#pragma warning disable IDE1006 // Field names are the names of the tensors in weight files.
    private readonly Linear fc1;
    private readonly Linear fc2;
#pragma warning restore IDE1006

    public Mlp(int channels, int hidden)
        : base(nameof(Mlp))
    {
        fc1 = new Linear(channels, hidden);
        fc2 = new Linear(hidden, channels);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var wide = Activation.GELU.ApplyInPlace(fc1.forward(input));
        return fc2.forward(wide);
    }

    public GraphValue Write(NetworkGraph graph, GraphValue input) =>
        fc2.Write(graph, Activation.GELU.Write(graph, fc1.Write(graph, input)));
}
