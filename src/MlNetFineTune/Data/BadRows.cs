namespace MlNetFineTune;

/// <summary>
/// What training does with a row that cannot be used, such as an unreadable picture: <see cref="Throw"/> or <see cref="Skip"/>.
/// </summary>
public abstract partial record BadRows
{
    private protected BadRows()
    {
    }

    /// <summary>Training ends with an error that names the row, the file and the reason. The default.</summary>
    public static BadRows Throw { get; } = new ThrowOnBadRow();

    /// <summary>Training continues without the row, which is listed in the log and in <see cref="TrainingReport.BadRows"/>.</summary>
    /// <param name="maximumFraction">
    /// The largest accepted fraction of bad rows. Above 0, at most 1. Default 0.1. More bad rows end the training with an error.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The fraction is outside this range.</exception>
    public static BadRows Skip(float maximumFraction = 0.1f) => new SkipBadRows(maximumFraction);

    internal abstract double MaximumFraction { get; }

    private sealed record ThrowOnBadRow : BadRows
    {
        internal override double MaximumFraction => 0;

        public override string ToString() => nameof(Throw);
    }

    private sealed record SkipBadRows : BadRows
    {
        public SkipBadRows(float maximumFraction) => MaximumFraction = maximumFraction is > 0 and <= 1
            ? maximumFraction
            : throw new ArgumentOutOfRangeException(
                nameof(maximumFraction), maximumFraction, "The fraction must be above 0 and at most 1.");

        internal override double MaximumFraction { get; }

        public override string ToString() => FormattableString.Invariant($"Skip({(float)MaximumFraction})");
    }
}
