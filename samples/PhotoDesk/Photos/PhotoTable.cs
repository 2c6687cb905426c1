using System.Globalization;

namespace PhotoDesk;

/// <summary>The table of all photos as CSV (RFC 4180).</summary>
internal static class PhotoTable
{
    public const string Header = "id,name,time,predicted,probability,rejected,corrected,model";

    public static string Row(Photo photo) => string.Create(
        CultureInfo.InvariantCulture,
        $"{photo.Id},{Cell(photo.Name)},{photo.Time:yyyy-MM-ddTHH:mm:ssZ},{Cell(photo.PredictedLabel)},"
            + $"{photo.Probabilities[0].Probability:0.0000},{(photo.Rejected ? "yes" : "no")},"
            + $"{Cell(photo.CorrectedLabel ?? "")},{photo.ModelId}");

    /// <summary>
    /// Prefixes text that a spreadsheet would interpret as a formula with an apostrophe (OWASP, CSV injection); quotes text with
    /// separators.
    /// </summary>
    public static string Cell(string text)
    {
        if (text.TrimStart() is ['=' or '+' or '-' or '@' or '|' or '%', ..] || text is ['\t' or '\r' or '\n', ..])
            text = "'" + text;
        return text.AsSpan().ContainsAny("\",;\r\n\t") ? $"\"{text.Replace("\"", "\"\"")}\"" : text;
    }
}
