using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Tasks;

/// <summary>
/// Distance of a row's features to the k-th nearest of a sample of training rows: 1 minus the cosine similarity (Sun et al. 2022,
/// https://arxiv.org/abs/2204.06507). Computed on the CPU in single precision, so that it does not depend on the other rows of a batch.
/// Immutable.
/// </summary>
internal sealed class NearestNeighbors
{
    // As torch.nn.functional.normalize: features of zero have similarity 0 to everything.
    private const float LeastNorm = 1e-12f;

    // The smallest normal number: a divisor of features of zero.
    private const float LeastMagnitude = 1.17549435e-38f;

    private readonly float[] _units; // [rows, features], each of length 1

    private NearestNeighbors(float[] units, int features, int neighbors)
    {
        (_units, Features, Neighbors) = (units, features, Math.Min(neighbors, units.Length / features));
    }

    /// <summary>Number of features of a row.</summary>
    public int Features { get; }

    /// <summary>k, at most the number of rows.</summary>
    public int Neighbors { get; }

    public int Rows => _units.Length / Features;

    /// <param name="rows">Features of the sampled rows. At least one row.</param>
    /// <param name="neighbors">k. At least 1.</param>
    public static NearestNeighbors Of(IReadOnlyList<float[]> rows, int neighbors)
    {
        var features = rows[0].Length;
        var units = new float[rows.Count * features];
        foreach (var (row, values) in rows.Index())
            Normalize(values, units.AsSpan(row * features, features));
        return new(units, features, neighbors);
    }

    /// <summary>From 0 to 2; NaN if a feature is NaN.</summary>
    public float DistanceOf(ReadOnlySpan<float> features)
    {
        var unit = new float[Features];
        Normalize(features, unit);
        Span<float> nearest = stackalloc float[Math.Min(Neighbors, 64)];
        nearest = Neighbors <= nearest.Length ? nearest : new float[Neighbors]; // the largest similarities, in descending order
        nearest.Fill(float.NegativeInfinity);
        for (var row = 0; row < Rows; row++)
        {
            var similarity = TensorPrimitives.Dot(unit, _units.AsSpan(row * Features, Features));
            if (float.IsNaN(similarity))
                return float.NaN;
            var place = nearest.Length;
            while (place > 0 && similarity > nearest[place - 1])
                place--;
            if (place == nearest.Length)
                continue;
            nearest[place..^1].CopyTo(nearest[(place + 1)..]);
            nearest[place] = similarity;
        }
        return MathF.Max(1 - nearest[^1], 0); // a rounding error below 0
    }

    /// <summary>Adds the same computation to a graph.</summary>
    /// <param name="graph">Receives the nodes.</param>
    /// <param name="features">[N, ...].</param>
    /// <returns>[N, 1].</returns>
    public GraphValue Write(NetworkGraph graph, GraphValue features)
    {
        var flat = graph.Add("Flatten", [features], ("axis", 1L)); // [N, features]
        var largest = graph.Add("ReduceMax", [graph.Add("Abs", [flat])], ("axes", new[] { 1L }), ("keepdims", 1L)); // [N, 1]
        var scaled = graph.Add("Div", [flat, graph.Add("Max", [largest, graph.Scalar("least_magnitude", LeastMagnitude)])]);
        var norm = graph.Add("ReduceL2", [scaled], ("axes", new[] { 1L }), ("keepdims", 1L)); // [N, 1]
        var unit = graph.Add("Div", [scaled, graph.Add("Max", [norm, graph.Scalar("least_norm", LeastNorm)])]);
        var all = graph.Add(
            "Gemm", [unit, graph.Constant("novelty.features", [Rows, Features], _units)], ("transB", 1L)); // [N, rows]
        var (nearest, _) = graph.TopK(all, Neighbors); // [N, k], descending
        var distance = graph.Add("Sub", [graph.Scalar("one", 1), graph.Slice(nearest, axis: 1, Neighbors - 1, Neighbors)]); // [N, 1]
        return graph.Add("Max", [distance, graph.Scalar("zero", 0)]);
    }

    /// <summary>The normalised features, row by row, as little-endian single-precision numbers.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[_units.Length * sizeof(float)];
        if (BitConverter.IsLittleEndian)
        {
            MemoryMarshal.AsBytes(_units.AsSpan()).CopyTo(bytes);
            return bytes;
        }
        for (var i = 0; i < _units.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), _units[i]);
        return bytes;
    }

    /// <exception cref="ArgumentException">The bytes are not normalised features of this size.</exception>
    public static NearestNeighbors OfBytes(byte[] bytes, int rows, int features, int neighbors)
    {
        if (bytes.LongLength != (long)rows * features * sizeof(float))
            throw new ArgumentException($"its novelty features have {bytes.Length} bytes, which are not {rows} rows of {features} numbers");
        var units = new float[rows * features];
        for (var i = 0; i < units.Length; i++)
            units[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(i * sizeof(float)));
        for (var row = 0; row < rows; row++)
        {
            var norm = TensorPrimitives.Norm<float>(units.AsSpan(row * features, features));
            if (!(norm is 0 || MathF.Abs(norm - 1) < 1e-3f)) // NaN fails too
                throw new ArgumentException($"row {row} of its novelty features is not of length 1");
        }
        return new(units, features, neighbors);
    }

    // Divided by the largest magnitude first: squares of large and small numbers overflow or underflow in Single.
    private static void Normalize(ReadOnlySpan<float> features, Span<float> unit)
    {
        var largest = MathF.Abs(TensorPrimitives.MaxMagnitude(features)); // NaN if one is
        TensorPrimitives.Divide(features, MathF.Max(largest, LeastMagnitude), unit);
        TensorPrimitives.Divide(unit, MathF.Max(TensorPrimitives.Norm<float>(unit), LeastNorm), unit);
    }
}
