namespace MlNetFineTune;

public abstract partial record BadRows
{
    /// <summary>A row whose picture could not be read.</summary>
    /// <param name="Ordinal">Position in the data that were given, from 0.</param>
    /// <param name="Path">The file, where the picture came from one.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Row(long Ordinal, string? Path, string Reason)
    {
        /// <summary>As it stands in logs and errors: of a path that is very long, its beginning.</summary>
        public override string ToString() =>
            $"row {Ordinal}{(Path is null ? "" : $" ({Shown.Quoted(Path, Shown.SentenceLength)})")}: {Reason}";
    }
}
