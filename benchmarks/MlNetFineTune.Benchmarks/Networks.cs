using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>The library's and the peer's network with the same weights.</summary>
internal static class Networks
{
    public const int Classes = 10;
    public const int Batch = 16;
    public const int Size = 224;

    public static ImageNetwork Ours() => ImageNetwork.Create(SharedFiles.MobileNetV2(), Classes, seed: 1);

    public static PlainMobileNetV2 Plain(ImageNetwork ours) => Filled(new PlainMobileNetV2(Classes), ours);

    /// <summary>The peer's network with the library's weights.</summary>
    public static T Filled<T>(T plain, ImageNetwork ours)
        where T : nn.Module
    {
        var state = plain.state_dict();
        using var noGradients = no_grad();
        foreach (var (name, tensor) in ours.NamedTensors())
            state[name].copy_(tensor);
        return plain;
    }

    /// <summary>Random pixels and labels with a fixed seed, without the process-wide generator.</summary>
    public static (Tensor Pixels, int[] Labels) Data()
    {
        var random = new Random(1);
        var values = new float[Batch * 3 * Size * Size];
        for (var i = 0; i < values.Length; i++)
            values[i] = random.NextSingle() * 2 - 1;
        return (tensor(values, [Batch, 3, Size, Size]), [.. Enumerable.Range(0, Batch).Select(i => i % Classes)]);
    }

    /// <summary>Checks that both sides compute the same before their times are compared.</summary>
    public static void CheckSame(string what, double ours, double peer, double tolerance = 1e-3)
    {
        if (!(Math.Abs(ours - peer) <= tolerance * Math.Max(1, Math.Abs(peer))))
            throw new InvalidOperationException($"The two sides disagree about {what}: {ours} and {peer}.");
        Console.WriteLine(FormattableString.Invariant($"(same {what} on both sides: {ours:0.00000} and {peer:0.00000})"));
    }
}
