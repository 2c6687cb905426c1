namespace MlNetFineTune.Networks;

/// <summary>The kinds of text encoders, all transformers that normalise after each addition (Vaswani et al. 2017).</summary>
internal enum TextKind
{
    /// <summary>Devlin et al. 2018 (https://arxiv.org/abs/1810.04805); MiniLM has this form.</summary>
    Bert,

    /// <summary>Liu et al. 2019 (https://arxiv.org/abs/1907.11692): BERT with other positions and one segment.</summary>
    Roberta,

    /// <summary>Sanh et al. 2019 (https://arxiv.org/abs/1910.01108): BERT without segments and pooler.</summary>
    DistilBert,

    /// <summary>Song et al. 2020 (https://arxiv.org/abs/2004.09297): BERT without segments, with relative positions too.</summary>
    MpNet,
}

/// <summary>Names of the modules of a text encoder in the weight files of transformers.</summary>
/// <param name="Layer">Beginning of the names of a layer's modules, before its index.</param>
/// <param name="Query">Attention's layer of queries; the following names also come after the index.</param>
/// <param name="Key">Attention's layer of keys.</param>
/// <param name="Value">Attention's layer of values.</param>
/// <param name="AttentionOutput">Attention's last layer.</param>
/// <param name="AttentionNorm">The norm after attention.</param>
/// <param name="Inner">The first layer of the perceptron.</param>
/// <param name="Outer">The second layer of the perceptron.</param>
/// <param name="OutputNorm">The norm after the perceptron.</param>
internal sealed record TextNaming(
    string Layer, string Query, string Key, string Value, string AttentionOutput, string AttentionNorm, string Inner, string Outer,
    string OutputNorm)
{
    public const string Words = "embeddings.word_embeddings";
    public const string Positions = "embeddings.position_embeddings";
    public const string Segments = "embeddings.token_type_embeddings";
    public const string Norm = "embeddings.LayerNorm";
    public const string RelativePositions = "encoder.relative_attention_bias";
    public const string Pooler = "pooler.dense";
    public const string Classifier = "classifier";

    private static readonly TextNaming s_bert = new(
        "encoder.layer.", "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
        "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm");

    private static readonly TextNaming s_distilBert = new(
        "transformer.layer.", "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1",
        "ffn.lin2", "output_layer_norm");

    private static readonly TextNaming s_mpNet = s_bert with
    {
        Query = "attention.attn.q",
        Key = "attention.attn.k",
        Value = "attention.attn.v",
        AttentionOutput = "attention.attn.o",
        AttentionNorm = "attention.LayerNorm",
    };

    public static TextNaming Of(TextKind kind) => kind switch
    {
        TextKind.DistilBert => s_distilBert,
        TextKind.MpNet => s_mpNet,
        _ => s_bert,
    };

    /// <summary>Name of a module in a layer.</summary>
    public string Of(int layer, string module) => FormattableString.Invariant($"{Layer}{layer}.{module}");

    // The first checkpoints have the names of TensorFlow's LayerNorm.
    public static WeightFiles.NameMap Older { get; } = new(
        "TensorFlow", name => name.EndsWith(".gamma", StringComparison.Ordinal) ? name[..^6] + ".weight"
            : name.EndsWith(".beta", StringComparison.Ordinal) ? name[..^5] + ".bias"
            : name);
}
