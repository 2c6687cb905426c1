namespace MlNetFineTune.Scoring;

/// <summary>Encoded rows to numbers, the same count a row. From any number of threads.</summary>
internal interface IBatchScorer
{
    /// <summary>Numbers a row.</summary>
    int ScoreLength { get; }

    /// <summary>What becomes of rows that cannot be read, for the log: the end of a sentence that began with one row's "its", or "their".
    /// </summary>
    string Missing { get; }

    /// <param name="rows">The bytes of the rows in all their views.</param>
    /// <param name="count">Rows, at least 1.</param>
    /// <param name="scores">[count, <see cref="ScoreLength"/>].</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    void Score(ReadOnlySpan<byte> rows, int count, Span<float> scores);
}
