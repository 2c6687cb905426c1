using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Networks;

/// <summary>Convolution, BatchNorm, ReLU and dropout, as a replacement of a stage.</summary>
internal sealed class SmallLayers : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d norm;
    private readonly double _dropout;

    public SmallLayers(long inputs, long outputs, int stride, double dropout)
        : base(nameof(SmallLayers))
    {
        conv = new Conv2d((int)inputs, (int)outputs, 3, stride);
        norm = new BatchNorm2d((int)outputs, 1e-5);
        _dropout = dropout;
        using (no_grad())
        using (var values = rand(conv.weight.shape))
            conv.weight.copy_(values.sub_(0.5).mul_(2 * Math.Sqrt(3.0 / (inputs * 9))));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => nn.functional.dropout(norm.forward(conv.forward(input)).relu_(), _dropout, training);
}

/// <summary>Linear layer over tokens.</summary>
internal sealed class TokenLayers : nn.Module<Tensor, Tensor>
{
    private readonly Support.Dense dense;

    public TokenLayers(long channels)
        : base(nameof(TokenLayers))
    {
        dense = new Support.Dense(channels, channels);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => dense.forward(input);
}

[ModuleFactory("small layers")]
public sealed class SmallLayersFactory : ModuleFactory
{
    public int Stride { get; init; } = 2;

    /// <summary>Output channels beyond those of the replaced stage; may be negative.</summary>
    public int ExtraOutputs { get; init; }

    public double Dropout { get; init; }

    public override nn.Module Create(ModuleContext context) => context.Inputs[0].Dimensions.Count == 2
        ? new TokenLayers(context.Outputs)
        : new SmallLayers(context.Inputs[0].Dimensions[0], context.Outputs + ExtraOutputs, Stride, Dropout);
}

/// <summary>The identity; has no parameters.</summary>
[ModuleFactory("nothing")]
public sealed class NothingFactory : ModuleFactory
{
    public override nn.Module Create(ModuleContext context) => new Nothing();

    private sealed class Nothing() : nn.Module<Tensor, Tensor>(nameof(Nothing))
    {
        public override Tensor forward(Tensor input) => input;
    }
}
