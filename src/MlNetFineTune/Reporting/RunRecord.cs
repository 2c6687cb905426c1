using MlNetFineTune.Data;

namespace MlNetFineTune.Reporting;

/// <summary>All that the report page shows.</summary>
/// <param name="Name">The network's.</param>
/// <param name="Report">The report of the training.</param>
/// <param name="Steps">Every step.</param>
/// <param name="Validation">What the model says of the validation rows; null without validation.</param>
/// <param name="Options">Names and values.</param>
/// <param name="Facts">Facts needed to repeat the training.</param>
internal sealed record RunRecord(
    string Name, TrainingReport Report, IReadOnlyList<RunStep> Steps, JudgedRows? Validation,
    IReadOnlyDictionary<string, string> Options, IReadOnlyList<(string Name, string Value)> Facts)
{
    /// <summary>The same where rows have several labels, in place of <see cref="Validation"/>; else null.</summary>
    public JudgedLabelSets? LabelSets { get; init; }
}

/// <summary>Rows and what the model says of them.</summary>
/// <param name="Noun">Noun of a row: picture or row.</param>
/// <param name="Classes">Names; null where a number is predicted.</param>
/// <param name="Rows">Rows in the order of the data.</param>
/// <param name="Worst">The worst mistakes, the worst first.</param>
internal sealed record JudgedRows(
    string Noun, IReadOnlyList<string>? Classes, IReadOnlyList<JudgedRow> Rows, IReadOnlyList<Mistake> Worst)
{
    /// <summary>Where one score decides between two classes, and there are rows of both; else null.</summary>
    public RocCurve? Roc { get; init; }

    /// <summary>What the pictures with heat show; null where there are none.</summary>
    public string? HeatNote { get; init; }

    /// <summary>With the heat of the pictures among the mistakes.</summary>
    public JudgedRows With(RowHeat? heat) => heat is null || Classes is null || Worst.All(mistake => mistake.Picture is null)
        ? this
        : this with
        {
            Worst = [.. Worst.Select(mistake => mistake.Picture is null ? mistake : mistake with { Heat = heat.Of(mistake.Row.Row) })],
            HeatNote = heat.Note,
        };
}

/// <summary>One row.</summary>
/// <param name="Row">Index of the row.</param>
/// <param name="Label">Class from 0, or number.</param>
/// <param name="Predicted">The same.</param>
/// <param name="Confidence">Probability of the predicted class; NaN for numbers.</param>
/// <param name="LabelProbability">Probability of the label's class; NaN for numbers.</param>
internal readonly record struct JudgedRow(int Row, float Label, float Predicted, float Confidence, float LabelProbability)
{
    public bool IsWrong => Label != Predicted;
}

/// <summary>A row that the model has wrong.</summary>
/// <param name="Row">The row.</param>
/// <param name="Where">Its place in the data, and its file where there is one.</param>
/// <param name="Picture">A data URI; null where there is no picture.</param>
internal sealed record Mistake(JudgedRow Row, string Where, string? Picture)
{
    /// <summary>The same picture with what spoke for the answer; null where that is not known.</summary>
    public string? Heat { get; init; }
}
