namespace MlNetFineTune.Networks;

/// <summary>Settings shared by the units of a MobileNet or EfficientNet, besides their channels.</summary>
/// <param name="Padding">Padding of strided convolutions.</param>
/// <param name="Epsilon">Epsilon of BatchNorm.</param>
internal sealed record MobileUnitStyle(Backbone.ConvolutionPadding Padding, double Epsilon)
{
    /// <summary>Kernel size of the depthwise convolution.</summary>
    public int Kernel { get; init; } = 3;

    public Activation Activation { get; init; } = Activation.ReLU6;

    /// <summary>Creates the squeeze-and-excitation layer after the depthwise convolution from its channels;
    /// null where there is none.</summary>
    public Func<int, SqueezeExcitation>? Gate { get; init; }
}
