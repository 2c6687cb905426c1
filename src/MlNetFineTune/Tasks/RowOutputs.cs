using MlNetFineTune.Data;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>The outputs of a network for rows.</summary>
/// <param name="Rows">Indices of the rows.</param>
/// <param name="Values">The outputs, row by row.</param>
internal sealed record RowOutputs(int[] Rows, float[] Values)
{
    /// <summary>Largest number of stored values (64 MiB): larger outputs are computed again when needed.</summary>
    public const long MostKept = 16 << 20;

    /// <summary>The inputs of the rows, for reports that quote texts; null if they are not known.</summary>
    public Dataset? Inputs { get; init; }

    public int Width => Rows.Length == 0 ? 0 : Values.Length / Rows.Length;

    /// <param name="place">Index of the row in <see cref="Rows"/>.</param>
    public ReadOnlySpan<float> Of(int place) => Values.AsSpan(place * Width, Width);

    /// <returns>[N, outputs]. The caller disposes it.</returns>
    public Tensor ToTensor() => tensor(Values, [Rows.Length, Width], ScalarType.Float32);

    /// <summary>The outputs of consecutive rows.</summary>
    /// <returns>[<paramref name="count"/>, outputs]. The caller disposes it.</returns>
    public Tensor ToTensor(int first, int count) =>
        tensor(Values[(first * Width)..((first + count) * Width)], [count, Width], ScalarType.Float32);

    /// <summary>The scores of all rows in row-major order.</summary>
    /// <param name="objective">The objective, which turns outputs into scores.</param>
    public float[] ScoresBy(Objective objective)
    {
        const int AtOnce = 1024;
        var scores = new float[(long)Rows.Length * objective.ScoreLength];
        for (var first = 0; first < Rows.Length; first += AtOnce)
        {
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            var some = objective.ScoresOf(ToTensor(first, Math.Min(AtOnce, Rows.Length - first))); // [n, scores]
            some.contiguous().data<float>().CopyTo(scores, first * objective.ScoreLength);
        }
        return scores;
    }

    /// <summary>Collects the outputs of batches.</summary>
    public sealed class Collector
    {
        private readonly List<int> _rows = [];
        private readonly List<float> _values = [];

        /// <param name="rows">Indices of the rows.</param>
        /// <param name="outputs">[N, outputs], of the same rows.</param>
        public void Add(int[] rows, Tensor outputs)
        {
            using var scope = NewDisposeScope();
            _rows.AddRange(rows);
            _values.AddRange(outputs.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray());
        }

        public RowOutputs ToOutputs() => new([.. _rows], [.. _values]);
    }
}
