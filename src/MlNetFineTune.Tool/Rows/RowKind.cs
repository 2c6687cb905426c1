namespace MlNetFineTune.Tool;

/// <summary>What the rows of some data are.</summary>
/// <param name="Noun">What they are called, in the plural.</param>
/// <param name="Title">The same as a title.</param>
/// <param name="Column">Name of their column in data views.</param>
/// <param name="Trainer">Name of the trainer in ML.NET's log.</param>
internal sealed record RowKind(string Noun, string Title, string Column, string Trainer)
{
    public static RowKind Photos { get; } = new("photos", "Photos", "ImagePath", "FineTuneImages");

    public static RowKind Texts { get; } = new("texts", "Texts", "Text", "FineTuneText");
}
