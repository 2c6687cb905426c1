using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// Vectors of words from those of tokens: that of a word's first token, as in BERT (Devlin et al. 2018, section 5.3,
/// https://arxiv.org/abs/1810.04805). A word that is in several overlapping windows has the mean of its vectors, as in spaCy's strided
/// spans: with a linear head, the mean of its logits.
/// </summary>
internal static class WordVectors
{
    /// <summary>Whether the outputs are those of words.</summary>
    public static bool AreIn(ModelInputs inputs) => inputs.Beside.ContainsKey(TextInputNames.WordPlaces);

    /// <param name="hidden">[M, T, C], of M windows.</param>
    /// <param name="inputs">The words of N rows.</param>
    /// <returns>[N, W, C]; arbitrary for words beyond the end of a row. The caller disposes it.</returns>
    public static Tensor Of(Tensor hidden, ModelInputs inputs)
    {
        using var scope = NewDisposeScope();
        var (places, shares) = (inputs.Beside[TextInputNames.WordPlaces], inputs.Beside[TextInputNames.WordShares]);
        var (rows, words, windows, width) = (places.shape[0], places.shape[1], places.shape[2], hidden.shape[2]);
        var chosen = hidden.reshape(-1, width).index_select(0, places.reshape(-1)); // [M, T, C] -> [N * W * K, C]
        if (windows == 1)
            return chosen.view(rows, words, width).MoveToOuterDisposeScope();
        var weighted = chosen.view(rows, words, windows, width).mul(shares.to_type(hidden.dtype).unsqueeze(3));
        return weighted.sum(2).MoveToOuterDisposeScope(); // [N, W, K, C] -> [N, W, C]
    }

    /// <summary>Replaces outputs [N, W, outputs] of words beyond the end of a row by NaN. The caller disposes the result.</summary>
    public static Tensor MarkMissing(Tensor outputs, ModelInputs inputs)
    {
        using var scope = NewDisposeScope();
        var hasWord = inputs.Beside[TextInputNames.HasWord].unsqueeze(2); // [N, W, 1]
        var missing = Scalars.Full(1, double.NaN).to(outputs.device).to_type(outputs.dtype);
        return where(hasWord, outputs, missing).MoveToOuterDisposeScope();
    }
}
