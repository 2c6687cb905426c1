using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Reporting;

/// <summary>Contents of the report page.</summary>
/// <param name="Name">Name of the network.</param>
/// <param name="Report">The report of the training.</param>
/// <param name="Steps">Every step.</param>
/// <param name="Sections">The task's sections about the validation rows; empty without validation data.</param>
/// <param name="Rows">The rows to which the sections refer.</param>
/// <param name="Options">Names and values of the options.</param>
/// <param name="Facts">Everything else that is needed to reproduce the training.</param>
internal sealed record RunRecord(
    string Name, TrainingReport Report, IReadOnlyList<RunStep> Steps, IReadOnlyList<ReportSection> Sections, LabeledData Rows,
    IReadOnlyDictionary<string, string> Options, IReadOnlyList<(string Name, string Value)> Facts)
{
    /// <summary>Draws the regions that contributed to a prediction; null where they cannot be shown.</summary>
    public RowHeat? Heat { get; init; }

    /// <summary>The section with training pictures; empty where they are not shown.</summary>
    public Markup BatchSheet { get; init; } = Markup.None;
}
