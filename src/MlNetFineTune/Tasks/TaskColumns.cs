using System.Text.Json.Serialization;

namespace MlNetFineTune.Tasks;

/// <summary>Names of the columns that a task reads and writes.</summary>
/// <param name="Label">Name of the label column, read in training.</param>
/// <param name="Score">Name of the score column.</param>
/// <param name="PredictedLabel">Name of the column of predicted labels.</param>
/// <param name="Probability">Name of the column of the positive class's probability, in binary classification.</param>
/// <param name="Status">Name of the column with the reason why a row could not be scored; null for none.</param>
/// <param name="Context">Name of the column of texts in which answers are found; null for tasks that seek none.</param>
internal sealed record TaskColumns(
    string Label, string Score = "Score", string PredictedLabel = "PredictedLabel", string Probability = "Probability",
    string? Status = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Context = null);
