using System.Text.Json;

namespace MlNetFineTune.WeightSources;

/// <summary>Metadata of a cached file, stored beside it as JSON: <c>model.safetensors.receipt.json</c>.
/// Spares hashing a file again that has not changed.</summary>
internal sealed record Receipt
{
    public required long Bytes { get; init; }

    /// <summary>Lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Time of the last write, UTC. A file with another time is hashed again.</summary>
    public required DateTime Modified { get; init; }

    /// <summary>Without query: signed addresses are secrets.</summary>
    public string? Url { get; init; }

    public string? ETag { get; init; }

    public static string PathOf(string file) => file + ".receipt.json";

    public bool Describes(FileInfo file) => file.Length == Bytes && file.LastWriteTimeUtc == Modified;

    /// <summary>Reads the receipt; null where it is missing or unreadable, and the file is hashed again.</summary>
    public static Receipt? TryRead(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Receipt>(File.ReadAllBytes(PathOf(file)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this);
}
