namespace MlNetFineTune.Benchmarks;

/// <summary>A benchmark with one result: the rate of this library divided by that of the peer.</summary>
internal abstract class Benchmark
{
    public abstract string Name { get; }

    public abstract string Question { get; }

    /// <summary>Prints a table and returns the ratio.</summary>
    /// <param name="quick">Few repetitions, without Python: a smoke test, not a measurement.</param>
    public abstract double Run(bool quick);
}

/// <summary>Requirements of a benchmark are missing on this machine, or a variant does not exist.</summary>
internal sealed class CannotRunException(string message) : Exception(message);
