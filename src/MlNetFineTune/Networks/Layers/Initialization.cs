namespace MlNetFineTune.Networks;

/// <summary>What initial values are drawn from; mean 0.</summary>
internal abstract record Distribution
{
    public sealed record Normal(double Deviation) : Distribution;

    /// <summary>Uniform in [-Bound, Bound).</summary>
    public sealed record Uniform(double Bound) : Distribution;
}

/// <summary>
/// The rules by which networks draw random weights, each as in the authors' code or torchvision. A rule sees a parameter's name and
/// shape; null leaves the parameter as its module created it: BatchNorm at one and zero, biases at zero.
/// </summary>
internal static class Initialization
{
    /// <summary>He et al. 2015 (https://arxiv.org/abs/1502.01852), backward form: variance 2 / fan_out.
    /// Keeps the size of gradients.</summary>
    public static Distribution? HeFanOut(string name, long[] shape)
    {
        if (shape.Length < 2)
            return null;
        // A depthwise convolution's outputs see one input channel each: fan_out per group is k * k.
        var groups = shape[1] == 1 ? shape[0] : 1;
        return new Distribution.Normal(Math.Sqrt(2.0 / (FanOut(shape) / groups)));
    }

    /// <summary>He et al. 2015, forward form: variance 2 / fan_in. Keeps the size of activations.</summary>
    public static Distribution? HeFanIn(string name, long[] shape) => shape.Length < 2 ? null
        : new Distribution.Normal(Math.Sqrt(2.0 / FanIn(shape)));

    /// <summary>The same variance, 2 / fan_in, drawn evenly.</summary>
    public static Distribution? HeUniform(string name, long[] shape) => shape.Length < 2 ? null
        : new Distribution.Uniform(Math.Sqrt(6.0 / FanIn(shape)));

    /// <summary>
    /// Normal with deviation 0.02, as in vision transformers and ConvNeXt. (The authors' code truncates at +-2, a hundred deviations away.)
    /// The class token begins near zero. Scale factors of branches keep the small value that their module gives them.
    /// </summary>
    public static Distribution? Transformer(string name, long[] shape) =>
        shape.Length < 2 ? null : new Distribution.Normal(name == "cls_token" ? 1e-6 : 0.02);

    private static long FanIn(long[] shape) => shape[1..].Aggregate(1L, (product, size) => product * size);

    private static long FanOut(long[] shape) => shape[0] * shape[2..].Aggregate(1L, (product, size) => product * size);
}
