using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>Contents of the report page.</summary>
/// <param name="Name">Name of the network.</param>
/// <param name="Report">The report of the training.</param>
/// <param name="Steps">Every step.</param>
/// <param name="Sections">What the task shows of the validation rows; empty without validation.</param>
/// <param name="Rows">Where the rows of the sections are.</param>
/// <param name="Options">Names and values of the options.</param>
/// <param name="Facts">Facts needed to repeat the training.</param>
internal sealed record RunRecord(
    string Name, TrainingReport Report, IReadOnlyList<RunStep> Steps, IReadOnlyList<ReportSection> Sections, LabeledData Rows,
    IReadOnlyDictionary<string, string> Options, IReadOnlyList<(string Name, string Value)> Facts)
{
    /// <summary>Draws the regions that contributed to a prediction; null where they cannot be shown.</summary>
    public RowHeat? Heat { get; init; }
}
