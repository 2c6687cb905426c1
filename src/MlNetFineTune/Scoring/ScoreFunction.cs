using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>The function of a network in inference mode: a fixed number of values for each row.</summary>
/// <param name="Length">Number of values per row.</param>
/// <param name="Compute">From a batch of rows to [N, <paramref name="Length"/>], in the caller's dispose scope.</param>
internal sealed record ScoreFunction(int Length, Func<FineTunedNetwork, ModelInputs, Tensor> Compute)
{
    /// <summary>The missing result of a row that cannot be read, for the log.</summary>
    public string Missing { get; init; } = "scores are missing (NaN), and ML.NET's Evaluate leaves such rows out of its metrics";

    /// <summary>Name of the transformer, for errors.</summary>
    public string Owner { get; init; } = nameof(FineTuningTransformer);

    /// <summary>The scores of a task.</summary>
    public static ScoreFunction Of(Objective objective) =>
        new(objective.ScoreLength, (network, inputs) => objective.ScoresOf(network.ForwardRest(inputs, first: 0), inputs));
}
