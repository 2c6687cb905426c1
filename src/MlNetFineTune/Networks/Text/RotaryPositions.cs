using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Positions as rotations of queries and keys (Su et al. 2021, https://arxiv.org/abs/2104.09864): the numbers i and i + d / 2 of a vector
/// at position p are turned as a pair by the angle p theta^(-2 i / d), so that a score depends on the distance of its two tokens. In a
/// local layer a token attends only to those near it (Beltagy et al. 2020, https://arxiv.org/abs/2004.05150).
/// </summary>
/// <param name="width">Length d of a head's vector. Even.</param>
/// <param name="theta">Base of the angles.</param>
/// <param name="most">Maximum number of tokens.</param>
/// <param name="reach">Distance of the farthest tokens that a token attends to; null if it attends to all.</param>
internal sealed class RotaryPositions(int width, double theta, int most, int? reach)
{
    // A score of -10,000 gives a weight of exactly 0, as for padding.
    private const float Never = -10_000;

    /// <param name="vectors">[N, T, ..., d], 5 dimensions. Not changed.</param>
    /// <returns>The same, rotated; computed in single precision at least, and rounded to the type of the vectors.</returns>
    public Tensor Rotate(Tensor vectors)
    {
        using var scope = NewDisposeScope();
        var precise = vectors.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var (cosines, sines) = Tables(vectors.shape[1]);
        (cosines, sines) = (cosines.to(precise, vectors.device), sines.to(precise, vectors.device));
        var halves = vectors.to(precise).chunk(2, -1);
        var turned = cat(
            [halves[0].mul(cosines).sub(halves[1].mul(sines)), halves[1].mul(cosines).Add(halves[0].mul(sines))], -1);
        return turned.to(vectors.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Where tokens attend to others.</summary>
    /// <param name="padding">[N, 1, 1, T]: true for tokens that are not padding; null if there is none.</param>
    /// <param name="length">Number of tokens T.</param>
    /// <param name="device">Device of the result.</param>
    /// <returns>[N, 1, 1 or T, T]; null for everywhere.</returns>
    public Tensor? MaskOf(Tensor? padding, long length, Device device)
    {
        if (!IsLocal(length))
            return padding;
        using var scope = NewDisposeScope();
        var near = ones(length, length, ScalarType.Bool, device).tril(reach!.Value).triu(-reach.Value); // [T, T]
        if (padding is null)
            return near.unsqueeze(0).unsqueeze(0).MoveToOuterDisposeScope();
        // Padding far from all tokens attends to itself: a softmax over nothing would be NaN.
        var seen = padding.logical_or(eye(length, dtype: ScalarType.Bool, device: device)); // [N, 1, T, T]
        return near.logical_and(seen).MoveToOuterDisposeScope();
    }

    /// <summary><see cref="Rotate"/> in an exported graph.</summary>
    public GraphValue Write(NetworkGraph graph, GraphValue vectors)
    {
        var (cosines, sines) = graph.Once((this, nameof(Rotate)), () => WriteTables(graph, vectors));
        var half = width / 2;
        var (first, second) = (graph.Slice(vectors, axis: 4, 0, half), graph.Slice(vectors, axis: 4, half, width));
        return graph.Concat(
            4, graph.Add("Sub", [graph.Product(first, cosines), graph.Product(second, sines)]),
            graph.Sum(graph.Product(second, cosines), graph.Product(first, sines)));
    }

    /// <summary>What is added to the scores in an exported graph.</summary>
    /// <param name="graph">The graph to which the operators are added.</param>
    /// <param name="padding">[N, 1, 1, T].</param>
    /// <param name="steps">[N, T, ...].</param>
    /// <returns>[N, 1, 1 or T, T].</returns>
    public GraphValue WriteBias(NetworkGraph graph, GraphValue padding, GraphValue steps) => !IsLocal(most) ? padding
        : graph.Once((this, nameof(MaskOf)), () =>
        {
            long[] isFar = [.. Enumerable.Range(1 - most, 2 * most - 1).Select(distance => Math.Abs(distance) > reach ? 1L : 0)];
            var far = graph.Product(graph.ToFloats(graph.ByDistance(isFar, steps)), graph.Scalar("never", Never)); // [T, T]
            return graph.Sum(padding, far);
        });

    private bool IsLocal(long length) => length - 1 > reach;

    // Cosines and sines of the angles, [T, 1, 1, d / 2]. Computed in doubles on the CPU: the same on every device.
    private (Tensor Cosines, Tensor Sines) Tables(long length)
    {
        double[] speeds = [.. Enumerable.Range(0, width / 2).Select(i => Math.Pow(theta, -2.0 * i / width))];
        var angles = new double[length * speeds.Length];
        for (var i = 0; i < angles.Length; i++)
            angles[i] = i / speeds.Length * speeds[i % speeds.Length];
        var all = tensor(angles, [length, 1, 1, speeds.Length], ScalarType.Float64);
        return (all.cos(), all.sin());
    }

    private (GraphValue Cosines, GraphValue Sines) WriteTables(NetworkGraph graph, GraphValue steps)
    {
        using var scope = NewDisposeScope();
        var (cosines, sines) = Tables(most);
        return (graph.FirstRows(graph.Constant("cosines", cosines), steps), graph.FirstRows(graph.Constant("sines", sines), steps));
    }
}
