namespace MlNetFineTune.Scoring;

/// <summary>Computes a fixed number of values for each encoded row. Thread-safe.</summary>
internal interface IBatchScorer
{
    /// <summary>Number of values per row.</summary>
    int ScoreLength { get; }

    /// <summary>The consequence for rows that cannot be read, for the log: the end of a sentence after "its" or "their".</summary>
    string Missing { get; }

    /// <param name="rows">The bytes of the rows in all their views.</param>
    /// <param name="count">Number of rows, at least 1.</param>
    /// <param name="scores">[count, <see cref="ScoreLength"/>].</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    void Score(ReadOnlySpan<byte> rows, int count, Span<float> scores);
}
