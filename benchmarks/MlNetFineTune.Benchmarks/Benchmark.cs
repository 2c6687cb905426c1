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

/// <summary>What a benchmark compares with is not on this machine.</summary>
internal sealed class MissingPeerException(string message) : Exception(message);
