namespace MlNetFineTune.Tasks;

/// <summary>
/// A section of the report page of a training, supplied by the task as data: a heading and general blocks, which the page draws
/// independently of the task.
/// </summary>
/// <param name="Title">The heading.</param>
/// <param name="Blocks">The blocks, from top to bottom.</param>
internal sealed record ReportSection(string Title, IReadOnlyList<ReportBlock> Blocks)
{
    /// <summary>Label of the head to which it refers; null for a model with one head.</summary>
    public string? Head { get; init; }
}
