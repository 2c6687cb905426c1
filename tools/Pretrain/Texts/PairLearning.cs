using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace Pretrain;

/// <summary>
/// Contrastive learning (InfoNCE, van den Oord et al. 2018, https://arxiv.org/abs/1807.03748; of sentences: Gao et al. 2021, SimCSE,
/// https://arxiv.org/abs/2104.08821): among the second texts of a batch, the one that belongs to the first shall be the nearest.
/// </summary>
/// <param name="encoder">The encoder.</param>
/// <param name="padding">Id of the padding token.</param>
/// <param name="stages">Stages that run: 1 for the embeddings alone, whose mean is the vector of a text.</param>
internal sealed class PairLearning(TextEncoder encoder, int padding, int stages)
{
    // As in SimCSE.
    private const double Temperature = 0.05;

    // Texts that are padded to the longest of them.
    private const int Together = 64;

    /// <summary>The mean loss, and the share of texts whose nearest is their partner. The caller disposes the loss.</summary>
    public (Tensor Loss, Tensor Right) Run((int[] First, int[] Second)[] pairs)
    {
        using var scope = NewDisposeScope();
        var vectors = Encode([.. pairs.Select(pair => pair.First), .. pairs.Select(pair => pair.Second)]);
        var halves = vectors.chunk(2);
        var logits = halves[0].matmul(halves[1].t()).Mul(1 / Temperature); // [N, N]
        var targets = arange(pairs.Length, ScalarType.Int64);
        var loss = nn.functional.cross_entropy(logits, targets).Add(nn.functional.cross_entropy(logits.t(), targets)).Mul(0.5);
        var right = logits.detach().argmax(1).eq(targets).to_type(ScalarType.Float32).mean();
        return (loss.MoveToOuterDisposeScope(), right.MoveToOuterDisposeScope());
    }

    /// <summary>Vectors of length 1 [N, C]. The caller disposes them.</summary>
    public Tensor Encode(int[][] texts)
    {
        using var scope = NewDisposeScope();
        var order = Enumerable.Range(0, texts.Length).OrderBy(index => texts[index].Length).ToArray();
        var sorted = cat([.. order.Chunk(Together).Select(some => EncodeTogether([.. some.Select(index => texts[index])]))]);
        var back = new long[texts.Length];
        foreach (var (place, index) in order.Index())
            back[index] = place;
        return nn.functional.normalize(sorted.index_select(0, tensor(back, ScalarType.Int64)), dim: 1).MoveToOuterDisposeScope();
    }

    private Tensor EncodeTogether(int[][] texts)
    {
        var longest = texts.Max(text => text.Length);
        var ids = new long[texts.Length * longest];
        var mask = new bool[ids.Length];
        Array.Fill(ids, padding);
        foreach (var (row, text) in texts.Index())
        {
            for (var i = 0; i < text.Length; i++)
                (ids[row * longest + i], mask[row * longest + i]) = (text[i], true);
        }
        var beside = new Dictionary<string, Tensor>();
        if (mask.Contains(false))
            beside.Add(TextInputNames.Mask, tensor(mask, [texts.Length, longest], ScalarType.Bool));
        var inputs = new ModelInputs(tensor(ids, [texts.Length, longest], ScalarType.Int64), beside);
        var hidden = inputs.Activations;
        for (var stage = 0; stage < stages; stage++)
            hidden = encoder.Hidden(hidden, inputs, stage, dropout: null);
        return encoder.Pool(hidden, inputs);
    }
}
