using System.Text.Json;
using System.Text.Json.Serialization;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Networks;

/// <summary>Form of a text encoder, in the terms of <c>config.json</c>. Created from files of others and therefore checked.</summary>
/// <param name="Kind">The kind of network.</param>
/// <param name="Vocabulary">Number of word embeddings.</param>
/// <param name="Width">Length C of a token's vector.</param>
/// <param name="Layers">Number of layers.</param>
/// <param name="Heads">Number of attention heads in a layer.</param>
/// <param name="InnerWidth">Length of the hidden vector of a layer's perceptron.</param>
/// <param name="Positions">Number of position embeddings; with rotary positions, which need none, the maximum number of tokens.</param>
/// <param name="FirstPosition">Position of the first token: RoBERTa and MPNet count from their padding token on.</param>
/// <param name="Segments">Number of segment embeddings; 0 if the network has none.</param>
/// <param name="Epsilon">Epsilon of LayerNorm.</param>
/// <param name="Activation">Activation of the perceptrons.</param>
/// <param name="Dropout">Probability of dropout of hidden vectors in training.</param>
/// <param name="AttentionDropout">Probability of dropout of attention weights in training; in ModernBERT of attention's output too.</param>
/// <param name="Local">How far the layers of ModernBERT see; null for the other kinds.</param>
internal sealed record TextConfig(
    TextKind Kind, int Vocabulary, int Width, int Layers, int Heads, int InnerWidth, int Positions, int FirstPosition, int Segments,
    double Epsilon, Activation Activation, float Dropout, float AttentionDropout, LocalAttention? Local = null)
{
    /// <summary>Larger values are no network of these kinds and would only exhaust memory.</summary>
    public const int MostPositions = 1 << 16, MostLayers = 256;

    private const int MostTokens = 1 << 20, MostWidth = 1 << 14, MostInnerWidth = 1 << 16;

    private const int MaximumBytes = 4 << 20;

    /// <summary>Maximum number of tokens in a row, with special tokens.</summary>
    [JsonIgnore]
    public int MaximumLength => Positions - FirstPosition;

    /// <summary>Length d of the vector of a head.</summary>
    [JsonIgnore]
    public int HeadWidth => Width / Heads;

    /// <summary>The form of a network with some of the layers.</summary>
    /// <param name="layers">Their indices, ascending.</param>
    public TextConfig Keep(IReadOnlyList<int> layers) => this with { Layers = layers.Count, Local = Local?.Keep(layers) };

    /// <returns>This form.</returns>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public TextConfig Checked()
    {
        if (!Enum.IsDefined(Kind) || Activation is not (Activation.GELU or Activation.ReLU))
            throw new ArgumentException($"there is no text network {Kind} with {Activation}");
        Require(Vocabulary, MostTokens, "vocabulary");
        Require(Width, MostWidth, "width");
        Require(Layers, MostLayers, "number of layers");
        Require(Heads, Width, "number of heads");
        Require(InnerWidth, MostInnerWidth, "inner width");
        Require(Positions, MostPositions, "number of positions");
        if (Width % Heads != 0)
            throw new ArgumentException(FormattableString.Invariant($"its width {Width} is not a multiple of its {Heads} heads"));
        if (FirstPosition < 0 || MaximumLength < 3 || Segments is < 0 or > 16)
            throw new ArgumentException("its positions or segments are out of range");
        if (!(Epsilon is > 0 and < 1) || !(Dropout is >= 0 and < 1) || !(AttentionDropout is >= 0 and < 1))
            throw new ArgumentException("its epsilon or dropout is out of range");
        if (Kind == TextKind.ModernBert != Local is not null)
            throw new ArgumentException($"a network {Kind} {(Local is null ? "says how far its layers see" : "has no local attention")}");
        if (Local is not null && HeadWidth % 2 != 0)
            throw new ArgumentException(FormattableString.Invariant($"its heads have odd vectors, of {HeadWidth}, which no rotation fits"));
        Local?.Checked(Layers);
        return this;

        static void Require(int value, int most, string what)
        {
            if (value < 1 || value > most)
                throw new ArgumentException(FormattableString.Invariant($"its {what} is {value}, and 1 to {most} are possible"));
        }
    }

    /// <summary>Reads a <c>config.json</c> of transformers.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not JSON, or of a network that is not supported; the message names it.</exception>
    public static TextConfig Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException(
                $"There is no '{path}'. A folder of a text model has config.json, the weights (model.safetensors or pytorch_model.bin), "
                + "and the tokenizer's files (vocab.txt and tokenizer_config.json, or tokenizer.json), as on the hub.", path);
        }
        if (OrdinaryFile.Refuse(path) is { } reason)
            throw new InvalidDataException($"'{path}' cannot be read: {reason}.");
        if (new FileInfo(path).Length > MaximumBytes)
            throw new InvalidDataException($"'{path}' is larger than {MaximumBytes} bytes.");
        return Parse(File.ReadAllBytes(path), path);
    }

    /// <param name="json">Content of the file.</param>
    /// <param name="source">Its path, for messages.</param>
    /// <inheritdoc cref="Read"/>
    public static TextConfig Parse(ReadOnlyMemory<byte> json, string source)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new TextConfigReader(document.RootElement).Read().Checked()
                : throw new ArgumentException("it is no JSON object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{source}' is not proper JSON: {SafeText.Message(e)}", e);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"'{source}' cannot be used: {e.Message}.", e);
        }
    }
}
