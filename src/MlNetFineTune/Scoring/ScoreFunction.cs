using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>What a network in inference mode gives for each row: a fixed number of values.</summary>
/// <param name="Length">Values of a row.</param>
/// <param name="Compute">From a batch of rows to [N, <paramref name="Length"/>], in the caller's dispose scope.</param>
internal sealed record ScoreFunction(int Length, Func<FineTunedNetwork, ModelInputs, Tensor> Compute)
{
    /// <summary>What a row that cannot be read lacks, for the log.</summary>
    public string Missing { get; init; } = "scores are missing (NaN), and ML.NET's Evaluate leaves such rows out of its metrics";

    /// <summary>Name of the transformer, for errors.</summary>
    public string Owner { get; init; } = nameof(FineTuningTransformer);

    /// <summary>The scores of a task.</summary>
    public static ScoreFunction Of(Objective objective) =>
        new(objective.ScoreLength, (network, inputs) => objective.ScoresOf(network.ForwardRest(inputs, first: 0)));
}
