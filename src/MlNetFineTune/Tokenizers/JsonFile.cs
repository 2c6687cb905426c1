using System.Text;
using System.Text.Json;

namespace MlNetFineTune.Tokenizers;

/// <summary>A file of JSON from outside. Errors name the file and the place in it.</summary>
internal sealed class JsonFile : IDisposable
{
    private readonly JsonDocument _document;

    /// <exception cref="InvalidDataException">It is not a JSON object.</exception>
    public JsonFile(ReadOnlyMemory<byte> bytes, string source)
    {
        try
        {
            if (bytes.Span.StartsWith(Encoding.UTF8.Preamble))
                bytes = bytes[Encoding.UTF8.Preamble.Length..];
            _document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the second: half a character
        {
            throw new InvalidDataException(
                $"{source} is not proper JSON: {SafeText.Message(e)} Take the file from the checkpoint again.", e);
        }
        Root = new JsonPart(_document.RootElement, source, "");
        if (_document.RootElement.ValueKind is not JsonValueKind.Object and var found)
        {
            _document.Dispose();
            throw Root.Bad("it is", "an object", found);
        }
    }

    public JsonPart Root { get; }

    public void Dispose() => _document.Dispose();
}
