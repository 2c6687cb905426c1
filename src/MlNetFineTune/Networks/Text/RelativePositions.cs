using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// What attention adds for the distance of two tokens, a number for each head, the same in all layers (Raffel et al. 2020, section 2.1,
/// https://arxiv.org/abs/1910.10683): near distances have a bucket each, far ones share buckets of exponentially growing width.
/// </summary>
internal sealed class RelativePositions(int heads) : IDisposable
{
    public const int Buckets = 32;

    private const int BucketsOfDirection = Buckets / 2, Near = BucketsOfDirection / 2, Farthest = 128;

    public TokenEmbedding Bias { get; } = new(Buckets, heads);

    /// <param name="distance">Position of the token that is attended to, less that of the one that attends.</param>
    public static int BucketOf(int distance)
    {
        var (far, direction) = (Math.Abs(distance), distance > 0 ? BucketsOfDirection : 0);
        if (far < Near)
            return direction + far;
        // In single precision, as transformers has it: the borders are at powers of the square root of 2.
        var step = MathF.Log(far / (float)Near) / MathF.Log(Farthest / Near) * (BucketsOfDirection - Near);
        return direction + Math.Min(Near + (int)step, BucketsOfDirection - 1);
    }

    /// <summary>The addends of texts of <paramref name="length"/> tokens. The caller disposes the result.</summary>
    /// <param name="length">Number of tokens T.</param>
    /// <param name="padding">[N, 1, 1, T]: true for tokens that are not padding; null if there is none.</param>
    /// <returns>[1, heads, T, T], or with padding [N, heads, T, T].</returns>
    public Tensor Of(int length, Tensor? padding)
    {
        using var scope = NewDisposeScope();
        var ofDistances = BucketsUpTo(length);
        var buckets = new long[length * length];
        for (var from = 0; from < length; from++)
            ofDistances.AsSpan(length - 1 - from, length).CopyTo(buckets.AsSpan(from * length)); // distances from -from on
        var indices = tensor(buckets, [length, length], ScalarType.Int64).to(Bias.weight.device);
        var addends = Bias.forward(indices).permute(2, 0, 1).unsqueeze(0);
        return (padding is null ? addends : addends.MaskedFill(padding.logical_not(), double.NegativeInfinity)).MoveToOuterDisposeScope();
    }

    /// <summary>The addends in an exported graph, the same for all layers: [N, heads, T, T].</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="steps">The tokens or their vectors, [N, T, ...].</param>
    /// <param name="most">Maximum number of tokens.</param>
    /// <param name="padding">[N, 1, 1, T]: 0 for tokens, very low for padding.</param>
    public GraphValue Write(NetworkGraph graph, GraphValue steps, int most, GraphValue padding) => graph.Once(this, () =>
    {
        var addends = graph.Transpose(Bias.Write(graph, graph.ByDistance(BucketsUpTo(most), steps)), 2, 0, 1); // [heads, T, T]
        return graph.Sum(padding, graph.Unsqueeze(addends, 0));
    });

    // Of the distances from -(length - 1) to length - 1.
    private static long[] BucketsUpTo(int length) =>
        [.. Enumerable.Range(1 - length, 2 * length - 1).Select(distance => (long)BucketOf(distance))];

    public void Dispose() => Bias.Dispose();
}
