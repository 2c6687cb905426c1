namespace PhotoDesk;

/// <summary>The displayed name of a file. It is used as text only, never as a path.</summary>
internal static class FileName
{
    private const int Longest = 120;

    /// <summary>Removes folders, control characters and bidirectional formatting characters.</summary>
    public static string Clean(string? sent)
    {
        var name = sent ?? "";
        name = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        name =
            new string(
                [.. name.Where(c => !char.IsControl(c) && char.GetUnicodeCategory(c) != System.Globalization.UnicodeCategory.Format
                && !char.IsSurrogate(c))]).Trim();
        return name.Length == 0 ? "photo" : name.Length > Longest ? name[..Longest] : name;
    }
}
