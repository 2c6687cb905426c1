using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The proportional odds model of ordered classes (McCullagh 1980, "Regression models for ordinal data",
/// https://doi.org/10.1111/j.2517-6161.1980.tb01109.x): one score s a row and K - 1 thresholds t that rise from class to class,
/// P(class &lt;= k) = sigmoid(t[k] - s). What pushes the score up makes all higher classes more probable together.
/// </summary>
/// <remarks>
/// <para>The thresholds stay in order whatever a step of the optimizer does, because of what is learned: the first threshold, and for each
/// further one a number whose softplus, log(1 + e^a), is its distance from the one before (an exponential would do the same, but doubles a
/// step's effect with every 0.7).</para>
/// <para>A class's probability is a difference of two sigmoids, which loses all digits where both are near 0 or 1. It is rearranged:
/// sigmoid(u) - sigmoid(l) = sigmoid(u) sigmoid(-l) (1 - e^(l - u)), and with u - l = softplus(a) the last factor is sigmoid(a). So the
/// logarithm is a sum of three log-sigmoids, exact for every score, and never that of 0.</para>
/// <para>CORAL (Cao, Mirjalili and Raschka 2020, "Rank consistent ordinal regression", https://doi.org/10.1016/j.patrec.2020.11.008) has
/// the same outputs, one shared weight vector and K - 1 biases, but adds up K - 1 binary cross-entropies. Its biases are in order at the
/// optimum only, so that until then a class may have a negative probability; and the sum is not the likelihood of the class, so that
/// temperature scaling, log-loss and everything else that expects class probabilities would not fit it. Here the loss is the
/// likelihood itself.</para>
/// </remarks>
internal static class CumulativeLogits
{
    /// <param name="parameters">[K - 1]: the first threshold, then what the distances are the softplus of.</param>
    /// <returns>[K - 1], rising. Caller disposes.</returns>
    public static Tensor Thresholds(Tensor parameters)
    {
        using var scope = NewDisposeScope();
        return cat([First(parameters), Softplus(Distances(parameters))]).cumsum(0).MoveToOuterDisposeScope();
    }

    /// <param name="scores">[N, 1].</param>
    /// <param name="parameters">[K - 1], as <see cref="Thresholds"/> takes them.</param>
    /// <returns>[N, K]: logarithms of probabilities whose sum is 1, so that a softmax leaves them as they are. Caller disposes.</returns>
    public static Tensor LogProbabilities(Tensor scores, Tensor parameters)
    {
        using var scope = NewDisposeScope();
        var margins = Thresholds(parameters).sub(scores); // [K - 1] - [N, 1] -> [N, K - 1]
        var certain = zeros_like(scores); // log 1: every class is at most the last, and at least the first
        var atMost = cat([nn.functional.logsigmoid(margins), certain], 1); // [N, K]
        var above = cat([certain, nn.functional.logsigmoid(margins.neg())], 1); // [N, K]
        return atMost.Add(above).Add(Widths(parameters)).MoveToOuterDisposeScope();
    }

    /// <summary>[K]: the logarithm of 1 - e^(l - u), for the distance of a class's two thresholds; 0 for the outer classes, which have one.
    /// Caller disposes.</summary>
    public static Tensor Widths(Tensor parameters)
    {
        using var scope = NewDisposeScope();
        var none = zeros_like(First(parameters));
        return cat([none, nn.functional.logsigmoid(Distances(parameters)), none]).MoveToOuterDisposeScope();
    }

    /// <summary>Parameters by which a score of 0 gives the classes their shares among the rows, each counted once more than it is there,
    /// so that none has the probability 0.</summary>
    /// <param name="counts">Rows of each class, in their order; two classes or more.</param>
    public static float[] ParametersOf(IReadOnlyList<double> counts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(counts.Count, 2, nameof(counts));
        var total = counts.Sum() + counts.Count;
        var parameters = new float[counts.Count - 1];
        var (below, before) = (0.0, 0.0);
        for (var k = 0; k < parameters.Length; k++)
        {
            below += (counts[k] + 1) / total;
            var threshold = Math.Log(below / (1 - below));
            parameters[k] = (float)(k == 0 ? threshold : InverseSoftplus(threshold - before));
            before = threshold;
        }
        return parameters;
    }

    // log(e^x - 1), which for large x is x and a sum that is rounded away.
    private static double InverseSoftplus(double x) => x + Math.Log(-Math.Exp(-x) + 1);

    private static Tensor First(Tensor parameters) => parameters.narrow(0, 0, 1);

    private static Tensor Distances(Tensor parameters) => parameters.narrow(0, 1, parameters.shape[0] - 1);

    // PyTorch's own is the identity above 20, and the width above would not quite belong to it.
    private static Tensor Softplus(Tensor x) => nn.functional.logsigmoid(x.neg()).neg();
}
