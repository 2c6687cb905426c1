using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The negative log-likelihood of the proportional odds model. For the formula, the paper and the comparison with CORAL see
/// <see cref="CumulativeLogits"/>.
/// </summary>
internal static class OrdinalLoss
{
    /// <param name="scores">[N, 1].</param>
    /// <param name="parameters">[K - 1], as for <see cref="CumulativeLogits.Thresholds"/>.</param>
    /// <param name="labels">[N], Int64: classes from 0.</param>
    /// <returns>[N]. The caller disposes it.</returns>
    public static Tensor OfEach(Tensor scores, Tensor parameters, Tensor labels)
    {
        using var logs = CumulativeLogits.LogProbabilities(scores, parameters);
        return OfEach(logs, labels);
    }

    /// <param name="logProbabilities">[N, K] of an <see cref="OrdinalHead"/>.</param>
    /// <param name="labels">[N], Int64: classes from 0.</param>
    /// <returns>[N]. The caller disposes it.</returns>
    public static Tensor OfEach(Tensor logProbabilities, Tensor labels)
    {
        using var scope = NewDisposeScope();
        return logProbabilities.gather(1, labels.unsqueeze(1)).squeeze(1).neg().MoveToOuterDisposeScope();
    }
}
