using MlNetFineTune.Data;

namespace MlNetFineTune.Reporting;

/// <summary>What a row is called on the page: its file with the folder of it, or its position in the data.</summary>
internal static class RowName
{
    public static string Of(LabeledData rows, int row) => rows.Inputs.PathOf(row) is { } path
        ? SafeText.Of($"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileName(path)}", SafeText.SentenceLength)
        : rows.Inputs.TextOf(row) is { } text ? FormattableString.Invariant($"row {rows.Ordinals[row]}: ")
            + SafeText.Of(text, SafeText.SentenceLength)
        : FormattableString.Invariant($"row {rows.Ordinals[row]}");
}
