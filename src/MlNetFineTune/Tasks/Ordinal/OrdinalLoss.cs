using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The negative log-likelihood of ordered classes in the proportional odds model. <see cref="CumulativeLogits"/> has the formula, the
/// paper and the comparison with CORAL.
/// </summary>
internal static class OrdinalLoss
{
    /// <param name="scores">[N, 1].</param>
    /// <param name="parameters">[K - 1], as <see cref="CumulativeLogits.Thresholds"/> takes them.</param>
    /// <param name="labels">[N], Int64: classes from 0.</param>
    /// <returns>[N]. Caller disposes.</returns>
    public static Tensor OfEach(Tensor scores, Tensor parameters, Tensor labels)
    {
        using var logs = CumulativeLogits.LogProbabilities(scores, parameters);
        return OfEach(logs, labels);
    }

    /// <param name="logProbabilities">[N, K], as an <see cref="OrdinalHead"/> gives them.</param>
    /// <param name="labels">[N], Int64: classes from 0.</param>
    /// <returns>[N]. Caller disposes.</returns>
    public static Tensor OfEach(Tensor logProbabilities, Tensor labels)
    {
        using var scope = NewDisposeScope();
        return logProbabilities.gather(1, labels.unsqueeze(1)).squeeze(1).neg().MoveToOuterDisposeScope();
    }
}
