using MlNetFineTune.MlNet;
using MlNetFineTune.Processes;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// The contrastive loss on the features of pairs of rows: the mean of (cosine similarity - target)², where the target is 1 for rows of the
/// same class and 0 otherwise, as <c>CosineSimilarityLoss</c> of sentence-transformers, which SetFit uses (Tunstall et al. 2022,
/// https://arxiv.org/abs/2209.11055). With example weights the weight of a pair is the product of its rows' weights.
/// </summary>
/// <remarks>
/// A row that is in several pairs of a batch is computed once, where sentence-transformers computes it once for each pair: without dropout
/// the gradients are the same; with dropout all pairs of the row have the same mask.
/// </remarks>
internal sealed class PairLoss(TrainingRun run) : BatchLoss
{
    private ProcessGroup Group => run.Options.Processes;

    public override bool IsEmpty(StepInput batch, EpochOrder order) =>
        !order.Pairs![batch.Batch].Any(pair => batch.BatchRows.Contains(pair.First) && batch.BatchRows.Contains(pair.Second));

    public override Result Of(Tensor outputs, StepInput batch, EpochOrder order)
    {
        var places = batch.Rows.Index().ToDictionary(row => row.Item, row => row.Index);
        RowPair[] pairs = // without those of rows that could not be read
        [
            .. PairsOf(batch, order).Where(pair => places.ContainsKey(pair.First) && places.ContainsKey(pair.Second))
                .Select(pair => pair with { First = places[pair.First], Second = places[pair.Second] }),
        ];
        var ofRows = run.Data.Training.WeightsOf(batch.Rows);
        var weights = ofRows is null ? null : Array.ConvertAll(pairs, pair => ofRows[pair.First] * ofRows[pair.Second]);
        var count = weights?.Sum(weight => (double)weight) ?? pairs.Length;
        return new(Mean(outputs, pairs, weights), () => count, pairs.Length);
    }

    // Those of this process.
    private RowPair[] PairsOf(StepInput batch, EpochOrder order)
    {
        var pairs = order.Pairs![batch.Batch];
        return Group.IsSeveral ? pairs[Slice.Of(pairs.Length, Group)] : pairs;
    }

    /// <summary>The mean loss of pairs; 0 if there is none or all weights are 0. The caller disposes it.</summary>
    /// <param name="features">[N, ...].</param>
    /// <param name="pairs">Pairs of places in the first dimension of <paramref name="features"/>.</param>
    /// <param name="weights">One weight for each pair; null if all are 1.</param>
    public static Tensor Mean(Tensor features, RowPair[] pairs, float[]? weights = null)
    {
        using var scope = NewDisposeScope();
        if (pairs.Length == 0)
            return features.sum().Mul(0).MoveToOuterDisposeScope();
        var (type, device) = (features.dtype, features.device);
        var flat = features.flatten(start_dim: 1); // [N, D]
        var similarity = nn.functional.cosine_similarity(Of(pair => pair.First), Of(pair => pair.Second), dim: 1); // [pairs]
        var targets = tensor(Array.ConvertAll(pairs, pair => pair.SameClass ? 1f : 0f), type, device);
        var gap = similarity.sub(targets);
        var each = gap.mul(gap);
        if (weights is null)
            return each.mean().MoveToOuterDisposeScope();
        var ofPairs = tensor(weights, type, device);
        return each.mul(ofPairs).sum().div(ofPairs.sum().ClampMin(1e-30)).MoveToOuterDisposeScope();

        Tensor Of(Func<RowPair, int> place) =>
            flat.index_select(0, tensor(Array.ConvertAll(pairs, pair => (long)place(pair)), ScalarType.Int64, device));
    }
}
