namespace MlNetFineTune.Tasks;

/// <summary>Scored rows of a batch by their index.</summary>
internal interface IScoredRows
{
    /// <summary>Scores of the row; NaN if it could not be scored.</summary>
    ReadOnlySpan<float> ScoresOf(int place);

    /// <summary>The reason why the row could not be scored; empty if it was scored.</summary>
    ReadOnlyMemory<char> StatusOf(int place);

    /// <summary>The text in which the answer of the row is found; empty if the task seeks none.</summary>
    ReadOnlyMemory<char> ContextOf(int place);
}
