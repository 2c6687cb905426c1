namespace MlNetFineTune.Tasks;

/// <summary>
/// A part of the report page of a training that the task supplies, as data: a heading, and general blocks below it, which the page draws
/// without knowing the task.
/// </summary>
/// <param name="Title">The heading.</param>
/// <param name="Blocks">From top to bottom.</param>
internal sealed record ReportSection(string Title, IReadOnlyList<ReportBlock> Blocks)
{
    /// <summary>The label of the head that it is about; null where there is one head.</summary>
    public string? Head { get; init; }
}
