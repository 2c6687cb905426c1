using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Outputs of extractive question answering (Devlin et al. 2018, sections 4.2 and 4.3, https://arxiv.org/abs/1810.04805): for each token a
/// logit of being the first one of the answer, and one of being the last. Tokens of the question, separators and padding are left out, so
/// that they have no share of a softmax; the class token stays and means "no answer".
/// </summary>
internal static class AnswerLogits
{
    /// <summary>Numbers of a token: the logits of first and last, its first UTF-16 unit and the one after its last.</summary>
    public const int Width = 4;

    /// <summary>Whether the outputs are those of answers.</summary>
    public static bool AreIn(ModelInputs inputs) => inputs.Beside.ContainsKey(TextInputNames.AnswerPlaces);

    /// <param name="logits">[M, T, 2], of M windows.</param>
    /// <param name="inputs">The places of the answers of N rows.</param>
    /// <returns>[N, K, S, <see cref="Width"/>], Float32; NaN beyond the end. The caller disposes it.</returns>
    public static Tensor Of(Tensor logits, ModelInputs inputs)
    {
        using var scope = NewDisposeScope();
        var (places, offsets) = (inputs.Beside[TextInputNames.AnswerPlaces], inputs.Beside[TextInputNames.AnswerOffsets]);
        var chosen = logits.reshape(-1, 2).index_select(0, places.reshape(-1)); // [M, T, 2] -> [N * K * S, 2]
        var missing = Scalars.Full(1, double.NaN).to(logits.device).to_type(ScalarType.Float32);
        var known = where(offsets.isnan(), missing, chosen.view(offsets.shape).to_type(ScalarType.Float32)); // [N, K, S, 2]
        return cat([known, offsets], dim: 3).MoveToOuterDisposeScope();
    }
}
