namespace MlNetFineTune.Rows;

/// <summary>The columns that a training reads.</summary>
/// <param name="Label">The key.</param>
/// <param name="Image">Path or picture.</param>
/// <param name="Folder">Joined before relative paths; null for the current directory.</param>
internal sealed record ImageColumns(string Label, string Image, string? Folder);
