namespace MlNetFineTune.Tasks;

/// <summary>Scored rows of a batch, by their place in it.</summary>
internal interface IScoredRows
{
    /// <summary>NaN where the row could not be scored.</summary>
    ReadOnlySpan<float> ScoresOf(int place);

    /// <summary>Why the row could not be scored; empty where it was.</summary>
    ReadOnlyMemory<char> StatusOf(int place);
}
