using System.Net;
using System.Text.Json;

namespace MlNetFineTune.Reporting;

/// <summary>An answer of a server: a JSON object, or anything else (a page of a proxy, nothing), in which no text is found.</summary>
internal sealed class MlflowAnswer
{
    private readonly JsonElement _root;

    /// <param name="status">Status of the answer.</param>
    /// <param name="body">Its content, which comes from outside.</param>
    public MlflowAnswer(HttpStatusCode status, ReadOnlyMemory<byte> body)
    {
        Status = status;
        try
        {
            using var document = JsonDocument.Parse(body);
            _root = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Not JSON.
        }
    }

    public HttpStatusCode Status { get; }

    /// <summary>The server's code of an error, made safe for a message; null without one.</summary>
    public string? Error => Text("error_code") is { } code ? SafeText.Of(code) : null;

    /// <summary>A text or number; null where there is neither.</summary>
    /// <param name="path">The names that lead to it, with dots.</param>
    public string? Text(string path)
    {
        try
        {
            var found = _root;
            foreach (var name in path.Split('.'))
            {
                if (found.ValueKind != JsonValueKind.Object || !found.TryGetProperty(name, out found))
                    return null;
            }
            return found.ValueKind is JsonValueKind.String or JsonValueKind.Number ? found.ToString() : null;
        }
        catch (InvalidOperationException) // half a character
        {
            return null;
        }
    }
}
