namespace MlNetFineTune.Networks;

/// <summary>Names of the modules of a text encoder in the weight files of transformers.</summary>
/// <param name="Words">The table of tokens.</param>
/// <param name="Norm">The norm after the embeddings.</param>
/// <param name="Layer">Beginning of the names of a layer's modules, before its index.</param>
internal sealed record TextNaming(string Words, string Norm, string Layer)
{
    public const string Positions = "embeddings.position_embeddings";
    public const string Segments = "embeddings.token_type_embeddings";
    public const string RelativePositions = "encoder.relative_attention_bias";
    public const string FinalNorm = "final_norm";
    public const string Pooler = "pooler.dense";
    public const string Classifier = "classifier";

    private static readonly TextNaming s_bert = new("embeddings.word_embeddings", "embeddings.LayerNorm", "encoder.layer.");

    private static readonly TextNaming s_distilBert = s_bert with { Layer = "transformer.layer." };

    private static readonly TextNaming s_modernBert = new("embeddings.tok_embeddings", "embeddings.norm", "layers.");

    public static TextNaming Of(TextKind kind) => kind switch
    {
        TextKind.DistilBert => s_distilBert,
        TextKind.ModernBert => s_modernBert,
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
