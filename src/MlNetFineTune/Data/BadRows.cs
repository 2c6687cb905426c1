namespace MlNetFineTune;

/// <summary>What training does with a picture that cannot be read.</summary>
public abstract partial record BadRows
{
    private protected BadRows()
    {
    }

    /// <summary>Training ends with an error that names the row, the file and the reason.</summary>
    public static BadRows Throw { get; } = new ThrowOnBadRow();

    /// <summary>Training goes on without the picture; the log and <see cref="TrainingReport.BadRows"/> name it.</summary>
    /// <param name="maximumFraction">More bad rows than this share is an error all the same. Above 0, at most 1.</param>
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
            : throw new ArgumentOutOfRangeException(nameof(maximumFraction), maximumFraction, "The fraction must be above 0 and at most 1.");

        internal override double MaximumFraction { get; }

        public override string ToString() => FormattableString.Invariant($"Skip({(float)MaximumFraction})");
    }
}
