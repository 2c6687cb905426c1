using MlNetFineTune.Data;

namespace MlNetFineTune.Reporting;

/// <summary>Contents of the report page.</summary>
/// <param name="Name">Name of the network.</param>
/// <param name="Report">The report of the training.</param>
/// <param name="Steps">Every step.</param>
/// <param name="Validation">Predictions for the validation rows; null without validation data.</param>
/// <param name="Options">Names and values of the options.</param>
/// <param name="Facts">Facts needed to repeat the training.</param>
internal sealed record RunRecord(
    string Name, TrainingReport Report, IReadOnlyList<RunStep> Steps, JudgedRows? Validation,
    IReadOnlyDictionary<string, string> Options, IReadOnlyList<(string Name, string Value)> Facts)
{
    /// <summary>Predictions of a multi-label model, instead of <see cref="Validation"/>; null for other tasks.</summary>
    public JudgedLabelSets? LabelSets { get; init; }
}

/// <summary>Rows and the model's predictions for them.</summary>
/// <param name="Noun">Noun of a row: picture or row.</param>
/// <param name="Classes">Names of the classes; null for regression.</param>
/// <param name="Rows">Rows in the order of the data.</param>
/// <param name="Worst">The errors with the highest loss, the highest first.</param>
internal sealed record JudgedRows(
    string Noun, IReadOnlyList<string>? Classes, IReadOnlyList<JudgedRow> Rows, IReadOnlyList<Mistake> Worst)
{
    /// <summary>ROC curve of a binary model; null for other tasks, or if one of the two classes has no rows.</summary>
    public RocCurve? Roc { get; init; }
}

/// <summary>One row.</summary>
/// <param name="Row">Index of the row.</param>
/// <param name="Label">Index of the class, or the true value of a regression.</param>
/// <param name="Predicted">Predicted class index or value.</param>
/// <param name="Confidence">Probability of the predicted class; NaN for regression.</param>
/// <param name="LabelProbability">Probability of the true class; NaN for regression.</param>
internal readonly record struct JudgedRow(int Row, float Label, float Predicted, float Confidence, float LabelProbability)
{
    public bool IsWrong => Label != Predicted;
}

/// <summary>A row with a wrong prediction.</summary>
/// <param name="Row">The row.</param>
/// <param name="Where">File of the row, or its index in the data.</param>
/// <param name="Picture">A data URI; null if there is no picture.</param>
internal sealed record Mistake(JudgedRow Row, string Where, string? Picture);
