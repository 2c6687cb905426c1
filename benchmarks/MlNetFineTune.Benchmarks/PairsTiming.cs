using System.Diagnostics;
using System.Globalization;
using MlNetFineTune.Search;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Time and memory of the search for near-duplicates among many rows: vectors of 1280 random numbers and random hashes, of which about as
/// many are near each other as of photos (the hash of a photo is close enough to 1 in 100 others).
/// </summary>
internal static class PairsTiming
{
    private const int Dimension = 1280;
    private const float Least = 0.65f;

    public static int Run(int rows)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var random = new Random(1);
        var (vectors, hashes, values) = (new UnitVectors(Dimension), new ulong[rows], new float[Dimension]);
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < Dimension; i++)
                values[i] = random.NextSingle() - 0.5f;
            UnitVectors.TryNormalize(values, vectors.Append());
            hashes[row] = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
        }
        var watch = Stopwatch.StartNew();
        var pairs = 0;
        SimilarPairs.Find(vectors, hashes, Least, Environment.ProcessorCount, (_, _, _) => Interlocked.Increment(ref pairs), _ => { },
            CancellationToken.None);
        var seconds = watch.Elapsed.TotalSeconds;
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)rows;
        GC.KeepAlive(vectors);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{rows} rows of {Dimension} numbers: all pairs in {seconds:0.0} s on {Environment.ProcessorCount} cores, "
            + $"{bytes:0} bytes a row"));
        return 0;
    }
}
