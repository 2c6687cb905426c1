namespace MlNetFineTune.Networks;

/// <summary>Names of the modules of a <see cref="PostNormLayer"/>, after the index of the layer.</summary>
/// <param name="Query">Attention's layer of queries.</param>
/// <param name="Key">Attention's layer of keys.</param>
/// <param name="Value">Attention's layer of values.</param>
/// <param name="AttentionOutput">Attention's last layer.</param>
/// <param name="AttentionNorm">The norm after attention.</param>
/// <param name="Inner">The first layer of the perceptron.</param>
/// <param name="Outer">The second layer of the perceptron.</param>
/// <param name="OutputNorm">The norm after the perceptron.</param>
internal sealed record PostNormNaming(
    string Query, string Key, string Value, string AttentionOutput, string AttentionNorm, string Inner, string Outer, string OutputNorm)
{
    private static readonly PostNormNaming s_bert = new(
        "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
        "intermediate.dense", "output.dense", "output.LayerNorm");

    private static readonly PostNormNaming s_distilBert = new(
        "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2",
        "output_layer_norm");

    private static readonly PostNormNaming s_mpNet = s_bert with
    {
        Query = "attention.attn.q",
        Key = "attention.attn.k",
        Value = "attention.attn.v",
        AttentionOutput = "attention.attn.o",
        AttentionNorm = "attention.LayerNorm",
    };

    public static PostNormNaming Of(TextKind kind) => kind switch
    {
        TextKind.DistilBert => s_distilBert,
        TextKind.MpNet => s_mpNet,
        _ => s_bert,
    };
}
