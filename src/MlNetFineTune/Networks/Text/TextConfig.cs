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
/// <param name="Positions">Number of position embeddings.</param>
/// <param name="FirstPosition">Position of the first token: RoBERTa and MPNet count from their padding token on.</param>
/// <param name="Segments">Number of segment embeddings; 0 if the network has none.</param>
/// <param name="Epsilon">Epsilon of LayerNorm.</param>
/// <param name="Activation">Activation of the perceptrons.</param>
/// <param name="Dropout">Probability of dropout of hidden vectors in training.</param>
/// <param name="AttentionDropout">Probability of dropout of attention weights in training.</param>
internal sealed record TextConfig(
    TextKind Kind, int Vocabulary, int Width, int Layers, int Heads, int InnerWidth, int Positions, int FirstPosition, int Segments,
    double Epsilon, Activation Activation, float Dropout, float AttentionDropout)
{
    private const int MaximumBytes = 4 << 20;

    // Larger values are no network of this kind and would only exhaust memory.
    private const int MostTokens = 1 << 20, MostWidth = 1 << 14, MostLayers = 256, MostInnerWidth = 1 << 16, MostPositions = 1 << 16;

    /// <summary>Maximum number of tokens in a row, with special tokens.</summary>
    [JsonIgnore]
    public int MaximumLength => Positions - FirstPosition;

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
                ? new Reader(document.RootElement).Read().Checked()
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

    private sealed class Reader(JsonElement root)
    {
        public TextConfig Read() => Text("model_type") switch
        {
            "bert" => Bert(TextKind.Bert),
            "roberta" => Bert(TextKind.Roberta),
            "distilbert" => DistilBert(),
            "mpnet" => MpNet(),
            null => throw new ArgumentException("it has no model_type, as the config.json of transformers has"),
            var other => throw new ArgumentException(
                $"it is of {SafeText.Quoted(other)}, and text networks here are bert (MiniLM is one), roberta, distilbert and mpnet"),
        };

        private TextConfig Bert(TextKind kind)
        {
            if ((Text("position_embedding_type") ?? "absolute") is var positions and not "absolute")
                throw new ArgumentException($"its position_embedding_type is {SafeText.Quoted(positions)}, and only absolute is supported");
            return BertLike(kind, kind == TextKind.Roberta ? Number("pad_token_id", 1) + 1 : 0, Number("type_vocab_size", 2));
        }

        // Its padding token has always number 1, whatever the file says.
        private TextConfig MpNet() => Number("relative_attention_num_buckets", RelativePositions.Buckets) is var buckets
            and not RelativePositions.Buckets
            ? throw new ArgumentException(FormattableString.Invariant(
                $"its relative_attention_num_buckets is {buckets}, and only {RelativePositions.Buckets} is supported"))
            : BertLike(TextKind.MpNet, firstPosition: 2, segments: 0);

        private TextConfig BertLike(TextKind kind, int firstPosition, int segments) => new(
            kind, Number("vocab_size"), Number("hidden_size"), Number("num_hidden_layers"), Number("num_attention_heads"),
            Number("intermediate_size"), Number("max_position_embeddings"), firstPosition, segments, Real("layer_norm_eps", 1e-12),
            ActivationOf("hidden_act"), Rate("hidden_dropout_prob"), Rate("attention_probs_dropout_prob"));

        private TextConfig DistilBert() => new(
            TextKind.DistilBert, Number("vocab_size"), Number("dim"), Number("n_layers"), Number("n_heads"), Number("hidden_dim"),
            Number("max_position_embeddings"), FirstPosition: 0, Segments: 0, Epsilon: 1e-12, ActivationOf("activation"),
            Rate("dropout"), Rate("attention_dropout"));

        private Activation ActivationOf(string name) => (Text(name) ?? "gelu") switch
        {
            "gelu" => Activation.GELU,
            "relu" => Activation.ReLU,
            var other => throw new ArgumentException($"its {name} is {SafeText.Quoted(other)}, and gelu and relu are supported"),
        };

        private int Number(string name, int? usual = null) =>
            root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
                ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number
                    : throw new ArgumentException($"its {name} is no integer")
                : usual ?? throw new ArgumentException($"it has no {name}");

        private float Rate(string name) => (float)Real(name, 0.1);

        private double Real(string name, double usual) =>
            root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
                ? value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw new ArgumentException($"its {name} is no number")
                : usual;

        private string? Text(string name) =>
            root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
