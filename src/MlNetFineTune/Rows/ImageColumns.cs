namespace MlNetFineTune.Rows;

/// <summary>The columns that a training reads.</summary>
/// <param name="Label">The key.</param>
/// <param name="Image">The pictures.</param>
internal sealed record ImageColumns(string Label, ImageInput Image);
