using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>Random weights from a seed, by a rule of <see cref="Initialization"/>.
/// Every tensor has its own counted stream, so the order of drawing does not matter.</summary>
internal static class WeightInitialization
{
    public static void Fill(BackboneNetwork network, Func<string, long[], Distribution?> rule, long seed)
    {
        foreach (var (name, parameter) in network.named_parameters())
        {
            if (rule(name, parameter.shape) is { } distribution)
                Fill(parameter, distribution, seed, RandomStream.WeightsOf(name));
        }
    }

    private static void Fill(Tensor parameter, Distribution distribution, long seed, RandomStream stream)
    {
        if (distribution is Distribution.Normal normal)
            FillNormal(parameter, normal.Deviation, seed, stream);
        else
            FillUniform(parameter, ((Distribution.Uniform)distribution).Bound, seed, stream);
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
