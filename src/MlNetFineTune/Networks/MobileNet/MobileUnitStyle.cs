namespace MlNetFineTune.Networks;

/// <summary>What the units of MobileNets and EfficientNets have in common besides their channels.</summary>
/// <param name="Padding">Of strided convolutions.</param>
/// <param name="Epsilon">BatchNorm's.</param>
internal sealed record MobileUnitStyle(Backbone.ConvolutionPadding Padding, double Epsilon)
{
    /// <summary>Of the depthwise convolution.</summary>
    public int Kernel { get; init; } = 3;

    public Activation Activation { get; init; } = Activation.ReLU6;

    /// <summary>Makes the squeeze and excitation behind the depthwise convolution, from its channels; null where there is none.</summary>
    public Func<int, SqueezeExcitation>? Gate { get; init; }
}
