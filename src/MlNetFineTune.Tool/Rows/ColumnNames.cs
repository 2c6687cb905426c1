namespace MlNetFineTune.Tool;

/// <summary>The columns of a CSV or TSV file that are used; null for those with the usual names.</summary>
/// <param name="Label">The column of classes.</param>
/// <param name="Image">The column of paths of pictures.</param>
/// <param name="Text">The column of texts.</param>
internal sealed record ColumnNames(string? Label = null, string? Image = null, string? Text = null)
{
    public bool AreGiven => (Label ?? Image ?? Text) is not null;
}
