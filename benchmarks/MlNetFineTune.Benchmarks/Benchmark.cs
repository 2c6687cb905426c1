namespace MlNetFineTune.Benchmarks;

/// <summary>One question with one number for an answer: our rate divided by the peer's.</summary>
internal abstract class Benchmark
{
    public abstract string Name { get; }

    public abstract string Question { get; }

    /// <summary>Prints a table and returns the ratio.</summary>
    /// <param name="quick">Few repetitions, without Python: shows that it runs, claims nothing.</param>
    public abstract double Run(bool quick);
}

/// <summary>What a benchmark needs is not on this machine, or it has no such form.</summary>
internal sealed class CannotRunException(string message) : Exception(message);
