using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>The function of a network in inference mode: a fixed number of values for each row.</summary>
/// <param name="Length">Number of values per row.</param>
/// <param name="Compute">
/// From a batch of rows to [N, <paramref name="Length"/>], in the caller's dispose scope. The number is that of the stages that ran before,
/// whose result the inputs are: 0, or all stages below the head.
/// </param>
internal sealed record ScoreFunction(int Length, Func<FineTunedNetwork, ModelInputs, int, Tensor> Compute)
{
    /// <summary>The missing result of a row that cannot be read, for the log.</summary>
    public string Missing { get; init; } = "scores are missing (NaN), and ML.NET's Evaluate leaves such rows out of its metrics";

    /// <summary>Name of the transformer, for errors.</summary>
    public string Owner { get; init; } = nameof(FineTuningTransformer);

    /// <summary>The scores of a task, followed by the novelty if there is a score of it.</summary>
    public static ScoreFunction Of(Objective objective, NearestNeighbors? nearest = null)
    {
        if (nearest is null)
        {
            return new(
                objective.ScoreLength, (network, inputs, first) => objective.ScoresOf(network.ForwardRest(inputs, first), inputs));
        }
        return new(objective.ScoreLength + 1, (network, inputs, first) =>
        {
            var features = first == 0 ? network.ForwardFirst(inputs, network.Stages.Count) : inputs.Activations; // [N, ...]
            // First: a head may change its input.
            float[] novelties = [.. network.FeaturesOf(features).FlatRows().Select(NoveltyOf)];
            var scores = objective.ScoresOf(network.ForwardRest(inputs.With(features), network.Stages.Count), inputs);
            var novelty = tensor(novelties, [novelties.Length, 1], ScalarType.Float32, scores.device);
            return cat([scores, novelty], 1); // [N, scores + 1]
        });

        // The probe sample of a loaded model comes here first, so that a wrong file fails when it is loaded.
        float NoveltyOf(float[] features) => features.Length == nearest.Features
            ? nearest.DistanceOf(features)
            : throw ArchiveFiles.Damaged(
                $"its novelty score has {nearest.Features} features a row, and its network gives {features.Length}");
    }
}
