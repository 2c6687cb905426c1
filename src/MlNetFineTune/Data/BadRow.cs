namespace MlNetFineTune;

public abstract partial record BadRows
{
    /// <summary>A row that could not be used: its picture could not be read, or a number of a module's input is missing.</summary>
    /// <param name="Ordinal">Position of the row in the data view, from 0.</param>
    /// <param name="Path">The path in the row; null if the picture did not come from a file.</param>
    /// <param name="Reason">The reason, as part of a sentence.</param>
    public sealed record Row(long Ordinal, string? Path, string Reason)
    {
        /// <summary>Text for logs and errors; a very long path is truncated.</summary>
        public override string ToString() =>
            $"row {Ordinal}{(Path is null ? "" : $" ({SafeText.Quoted(Path, SafeText.SentenceLength)})")}: {Reason}";
    }
}
