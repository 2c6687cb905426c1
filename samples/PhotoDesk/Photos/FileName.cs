namespace PhotoDesk;

/// <summary>The name under which a file is shown. It is only ever text: nothing is stored under it.</summary>
internal static class FileName
{
    private const int Longest = 120;

    /// <summary>Without folders, control characters and characters that turn the writing round.</summary>
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
