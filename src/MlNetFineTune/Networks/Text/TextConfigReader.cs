using System.Text.Json;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Networks;

/// <summary>
/// Reads the form of a text encoder from a <c>config.json</c> of transformers; errors are <see cref="ArgumentException"/>.
/// </summary>
/// <param name="root">The object of the file.</param>
internal sealed class TextConfigReader(JsonElement root)
{
    public TextConfig Read() => Text("model_type") switch
    {
        "bert" => Bert(TextKind.Bert),
        "roberta" => Bert(TextKind.Roberta),
        "distilbert" => DistilBert(),
        "mpnet" => MpNet(),
        "modernbert" => ModernBert(),
        null => throw new ArgumentException("it has no model_type, as the config.json of transformers has"),
        var other => throw new ArgumentException(
            $"it is of {SafeText.Quoted(other)}, and text networks here are bert (MiniLM is one), roberta, distilbert, mpnet and "
            + "modernbert"),
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

    private TextConfig ModernBert()
    {
        foreach (var name in (string[])["norm_bias", "attention_bias", "mlp_bias"])
        {
            if (Find(name) is { ValueKind: not JsonValueKind.False })
                throw new ArgumentException($"its {name} is not false, and ModernBERT without biases is supported");
        }
        if (Find("rope_scaling") is not null)
            throw new ArgumentException("it has rope_scaling, and rotary positions without scaling are supported");
        var (dropout, ofEmbeddings) = (Rate("mlp_dropout", usual: 0), Rate("embedding_dropout", usual: 0));
        if (dropout != ofEmbeddings)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"its mlp_dropout is {dropout} and its embedding_dropout {ofEmbeddings}, and one rate for both is supported: ")
                + "they act in training alone, so set both alike");
        }
        var layers = Number("num_hidden_layers");
        return new TextConfig(
            TextKind.ModernBert, Number("vocab_size"), Number("hidden_size"), layers, Number("num_attention_heads"),
            Number("intermediate_size"), Number("max_position_embeddings"), FirstPosition: 0, Segments: 0, Real("norm_eps", 1e-5),
            ActivationOf("hidden_activation"), dropout, Rate("attention_dropout", usual: 0),
            new LocalAttention(
                Spans(layers), HasFirstNorm: false, Reach: Number("local_attention", 128) / 2,
                Theta("full_attention", "global_rope_theta", usual: 160_000),
                Theta("sliding_attention", "local_rope_theta", usual: 10_000)));
    }

    // Newer files name the span of each layer, older ones that of each n-th.
    private AttentionSpan[] Spans(int layers)
    {
        if (Find("layer_types") is { ValueKind: JsonValueKind.Array } types)
            return [.. types.EnumerateArray().Select(Span)];
        var every = Number("global_attn_every_n_layers", 3);
        return every > 0 && layers <= TextConfig.MostLayers
            ? [.. Enumerable.Range(0, layers).Select(layer => layer % every == 0 ? AttentionSpan.Global : AttentionSpan.Local)]
            : throw new ArgumentException(FormattableString.Invariant($"its global_attn_every_n_layers is {every} in {layers} layers"));

        static AttentionSpan Span(JsonElement type) => (type.ValueKind == JsonValueKind.String ? type.GetString() : null) switch
        {
            "full_attention" => AttentionSpan.Global,
            "sliding_attention" => AttentionSpan.Local,
            var other => throw new ArgumentException(
                $"its layer_types has {SafeText.Quoted(other ?? "no text")}, and full_attention and sliding_attention are supported"),
        };
    }

    // Newer files have it in rope_parameters.
    private double Theta(string span, string older, double usual)
    {
        if (Find("rope_parameters") is not { ValueKind: JsonValueKind.Object } all)
            return Real(older, usual);
        var ofSpan = new TextConfigReader(
            all.TryGetProperty(span, out var parameters) && parameters.ValueKind == JsonValueKind.Object
                ? parameters : throw new ArgumentException($"its rope_parameters has no {span}"));
        return (ofSpan.Text("rope_type") ?? "default") is var type and not "default"
            ? throw new ArgumentException($"its rope_type is {SafeText.Quoted(type)}, and rotary positions without scaling are supported")
            : ofSpan.Real("rope_theta", usual);
    }

    private Activation ActivationOf(string name) => (Text(name) ?? "gelu") switch
    {
        "gelu" => Activation.GELU,
        "relu" => Activation.ReLU,
        var other => throw new ArgumentException($"its {name} is {SafeText.Quoted(other)}, and gelu and relu are supported"),
    };

    private int Number(string name, int? usual = null) => Find(name) is { } value
        ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number
            : throw new ArgumentException($"its {name} is no integer")
        : usual ?? throw new ArgumentException($"it has no {name}");

    private float Rate(string name, double usual = 0.1) => (float)Real(name, usual);

    private double Real(string name, double usual) => Find(name) is not { } value ? usual
        : value.ValueKind == JsonValueKind.Number ? value.GetDouble()
        : throw new ArgumentException($"its {name} is no number");

    private string? Text(string name) => Find(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private JsonElement? Find(string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
