using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tasks;

/// <summary>
/// The proportional odds model of ordered classes (McCullagh 1980, "Regression models for ordinal data",
/// https://doi.org/10.1111/j.2517-6161.1980.tb01109.x): one score s per row and K - 1 increasing thresholds t, P(class &lt;= k) =
/// sigmoid(t[k] - s). A higher score makes all higher classes more probable.
/// </summary>
/// <remarks>
/// <para>The parametrisation keeps the thresholds in order in every optimizer step: the parameters are the first threshold and, for each
/// further one, a number whose softplus, log(1 + e^a), is the distance from the previous threshold (an exponential would also be positive,
/// but makes the step size depend exponentially on the parameter).</para>
/// <para>The probability of a class is a difference of two sigmoids, which suffers from cancellation if both are near 0 or 1. It is
/// rewritten: sigmoid(u) - sigmoid(l) = sigmoid(u) sigmoid(-l) (1 - e^(l - u)), and with u - l = softplus(a) the last factor is sigmoid(a).
/// The logarithm is then a sum of three log-sigmoids, accurate and finite for every score.</para>
/// <para>CORAL (Cao, Mirjalili and Raschka 2020, "Rank consistent ordinal regression", https://doi.org/10.1016/j.patrec.2020.11.008) has
/// the same outputs, one shared weight vector and K - 1 biases, but minimises the sum of K - 1 binary cross-entropies. Its biases are
/// ordered only at the optimum, so that before it a class may have a negative probability; and the sum is not the likelihood of the class,
/// which temperature scaling and log-loss require. Here the loss is the negative log-likelihood.</para>
/// </remarks>
internal static class CumulativeLogits
{
    /// <param name="parameters">[K - 1]: the first threshold, then the inverse softplus of the distances.</param>
    /// <returns>[K - 1], increasing. The caller disposes it.</returns>
    public static Tensor Thresholds(Tensor parameters)
    {
        using var scope = NewDisposeScope();
        return cat([First(parameters), Softplus(Distances(parameters))]).cumsum(0).MoveToOuterDisposeScope();
    }

    /// <param name="scores">[N, 1].</param>
    /// <param name="parameters">[K - 1], as for <see cref="Thresholds"/>.</param>
    /// <returns>
    /// [N, K]: logarithms of probabilities that sum to 1, so that a softmax returns these probabilities. The caller disposes it.
    /// </returns>
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
    /// The caller disposes it.</summary>
    public static Tensor Widths(Tensor parameters)
    {
        using var scope = NewDisposeScope();
        var none = zeros_like(First(parameters));
        return cat([none, nn.functional.logsigmoid(Distances(parameters)), none]).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Parameters for which a score of 0 yields the class frequencies, with add-one smoothing, so that no class has probability 0.
    /// </summary>
    /// <param name="counts">Number of rows of each class, in the order of the classes; at least two classes.</param>
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

    // log(e^x - 1), in a form that does not overflow for large x.
    private static double InverseSoftplus(double x) => x + Math.Log(-Math.Exp(-x) + 1);

    private static Tensor First(Tensor parameters) => parameters.narrow(0, 0, 1);

    private static Tensor Distances(Tensor parameters) => parameters.narrow(0, 1, parameters.shape[0] - 1);

    // PyTorch's softplus is the identity above 20, which would be inconsistent with the width above.
    private static Tensor Softplus(Tensor x) => nn.functional.logsigmoid(x.neg()).neg();
}
