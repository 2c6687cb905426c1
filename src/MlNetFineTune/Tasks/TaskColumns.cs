namespace MlNetFineTune.Tasks;

/// <summary>Names of the columns that a task reads and writes.</summary>
/// <param name="Label">Read in training.</param>
/// <param name="Score">What the network says.</param>
/// <param name="PredictedLabel">What follows from the scores.</param>
/// <param name="Probability">Of the positive class, in binary classification.</param>
/// <param name="Status">Why a row could not be scored; null for no such column.</param>
internal sealed record TaskColumns(
    string Label, string Score = "Score", string PredictedLabel = "PredictedLabel", string Probability = "Probability",
    string? Status = null);
