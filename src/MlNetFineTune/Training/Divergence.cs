namespace MlNetFineTune;

/// <summary>
/// What happens when a training diverges: when its loss is NaN or infinite, or a spike that stays: when the median of the last 5 steps' losses is above <c>spikeFactor</c> times the median of
/// the 100 steps before, and above as many times that of the run's first 5 steps.
/// </summary>
public abstract record Divergence
{
    private protected Divergence(float spikeFactor) => SpikeFactor = spikeFactor > 1
        ? spikeFactor
        : throw new ArgumentOutOfRangeException(nameof(spikeFactor), spikeFactor, "The factor that makes a spike must be above 1; infinity looks for none.");

    internal float SpikeFactor { get; }

    /// <summary>An <see cref="InvalidOperationException"/> with step, epoch and the last good metrics.</summary>
    /// <param name="spikeFactor">Above 1; infinity bears every spike.</param>
    public static Divergence Throw(float spikeFactor = 10) => new ThrowOnDivergence(spikeFactor);

    /// <summary>
    /// A warning, and the model of the best epoch so far, with <see cref="TrainingReport.EndReason.Diverged"/>. Without a complete epoch
    /// there is none: an error all the same.
    /// </summary>
    /// <param name="spikeFactor">Above 1; infinity bears every spike.</param>
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
