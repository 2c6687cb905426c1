namespace MlNetFineTune.WeightSources;

/// <summary>The SHA-256 that a file must have, or the first digits of it: lower-case hexadecimal, 8 to 64 digits.</summary>
internal sealed record Sha256Digits
{
    private Sha256Digits(string digits) => Digits = digits;

    public string Digits { get; }

    /// <summary>Parses a complete SHA-256; null where the text is not one.</summary>
    public static Sha256Digits? TryParse(string? text) => text?.Trim() is { Length: 64 } trimmed && trimmed.All(char.IsAsciiHexDigit)
        ? new(trimmed.ToLowerInvariant())
        : null;

    /// <param name="digits">Lower-case hexadecimal.</param>
    public static Sha256Digits Beginning(string digits) => new(digits);

    public bool Matches(string sha256) => sha256.StartsWith(Digits, StringComparison.Ordinal);

    public override string ToString() => Digits.Length == 64 ? Digits : Digits + "...";
}
