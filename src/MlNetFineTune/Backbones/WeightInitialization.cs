using MlNetFineTune.Augmentations;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>
/// Random weights from a seed: He et al. 2015 (https://arxiv.org/abs/1502.01852), normal with variance 2 / fan_out, as torchvision's ResNet
/// does; BatchNorm starts at one and zero. Every tensor has its own counted stream, so the order of drawing does not matter.
/// </summary>
internal static class WeightInitialization
{
    public static void Fill(BackboneNetwork network, long seed)
    {
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (parameter.ndim < 2)
                continue; // BatchNorm's are set where it is made.
            var shape = parameter.shape;
            // A depthwise convolution's outputs see one input channel each: fan_out per group is k * k.
            var groups = shape[1] == 1 ? shape[0] : 1;
            var fanOut = shape[0] * shape[2] * shape[3] / groups;
            FillNormal(parameter, Math.Sqrt(2.0 / fanOut), seed, RandomStream.WeightsOf(name));
        }
    }

    public static void FillNormal(Tensor parameter, double standardDeviation, long seed, RandomStream stream) =>
        Fill(parameter, seed, stream, (ref CountedRandom random) => random.NextNormal() * standardDeviation);

    /// <summary>Uniform in [-bound, bound).</summary>
    public static void FillUniform(Tensor parameter, double bound, long seed, RandomStream stream) =>
        Fill(parameter, seed, stream, (ref CountedRandom random) => random.NextDouble(-bound, bound));

    private delegate double Draw(ref CountedRandom random);

    private static void Fill(Tensor parameter, long seed, RandomStream stream, Draw draw)
    {
        var random = new CountedRandom(seed, stream, epoch: 0, ordinal: 0);
        var values = new float[parameter.numel()];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)draw(ref random);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        parameter.copy_(tensor(values, parameter.shape));
    }
}
