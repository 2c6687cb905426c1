namespace MlNetFineTune;

/// <summary>
/// The reaction to a training that diverges: its loss is NaN or infinite, or rises and stays high, which means that the median loss of the
/// last 5 steps is above <c>spikeFactor</c> times both the median of the 100 steps before and that of the first 5 steps of the run.
/// </summary>
public abstract record Divergence
{
    private protected Divergence(float spikeFactor) => SpikeFactor = spikeFactor > 1
        ? spikeFactor
        : throw new ArgumentOutOfRangeException(
            nameof(spikeFactor), spikeFactor, "The factor that makes a spike must be above 1; infinity looks for none.");

    internal float SpikeFactor { get; }

    /// <summary>Throws an <see cref="InvalidOperationException"/> with step, epoch and the last valid metrics. The default.</summary>
    /// <param name="spikeFactor">Factor of the loss that counts as a spike. Above 1; infinity allows every spike. Default 10.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="spikeFactor"/> is not above 1.</exception>
    public static Divergence Throw(float spikeFactor = 10) => new ThrowOnDivergence(spikeFactor);

    /// <summary>
    /// Logs a warning and returns the model of the best epoch so far, with <see cref="TrainingReport.EndReason.Diverged"/>. Without a
    /// complete epoch it throws.
    /// </summary>
    /// <param name="spikeFactor">Factor of the loss that counts as a spike. Above 1; infinity allows every spike. Default 10.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="spikeFactor"/> is not above 1.</exception>
    public static Divergence ReturnBest(float spikeFactor = 10) => new ReturnBestOnDivergence(spikeFactor);

    private sealed record ThrowOnDivergence(float Factor) : Divergence(Factor)
    {
        public override string ToString() => FormattableString.Invariant($"Throw(spikeFactor: {SpikeFactor})");
    }

    internal sealed record ReturnBestOnDivergence(float Factor) : Divergence(Factor)
    {
        public override string ToString() => FormattableString.Invariant($"ReturnBest(spikeFactor: {SpikeFactor})");
    }
}
