using MlNetFineTune.Training;

namespace MlNetFineTune.Reporting;

/// <summary>What a run is begun with.</summary>
/// <param name="Experiment">Name of the experiment.</param>
/// <param name="Name">Name of the run; null for none.</param>
/// <param name="StartTime">Milliseconds since 1970, UTC.</param>
/// <param name="Parameters">The options.</param>
/// <param name="Tags">Tags.</param>
internal sealed record MlflowBeginning(
    string Experiment, string? Name, long StartTime, IReadOnlyDictionary<string, string> Parameters,
    IReadOnlyDictionary<string, string> Tags)
{
    public static MlflowBeginning Of(MlflowTracking tracking, FineTuningOptions options, long seed, long startTime)
    {
        var parameters = OptionsDescription.Of(options).Append(new(nameof(options.Seed), FormattableString.Invariant($"{seed}")))
            .ToDictionary(pair => MlflowText.Key(pair.Key), pair => pair.Value);
        // What does not fit into a parameter is whole in a tag.
        var tags = parameters.Where(pair => MlflowText.IsCut(pair.Value)).Select(pair => (Key: $"options.{pair.Key}", pair.Value))
            .Concat(tracking.Tags.Select(pair => (pair.Key, pair.Value)))
            .DistinctBy(pair => MlflowText.Key(pair.Key)).Take(MlflowText.MostTags);
        return new MlflowBeginning(
            tracking.Experiment, tracking.RunName is { } name ? MlflowText.Name(name) : null, startTime,
            parameters.Take(MlflowText.MostParameters).ToDictionary(pair => pair.Key, pair => MlflowText.Parameter(pair.Value)),
            tags.ToDictionary(pair => MlflowText.Key(pair.Key), pair => MlflowText.Tag(pair.Value)));
    }
}

/// <summary>What a run is ended with.</summary>
/// <param name="State">FINISHED, FAILED or KILLED.</param>
/// <param name="EndTime">Milliseconds since 1970, UTC.</param>
/// <param name="Tags">Facts of the finished training.</param>
/// <param name="Files">Files to upload; those that do not exist are left out.</param>
internal sealed record MlflowEnding(
    string State, long EndTime, IReadOnlyDictionary<string, string> Tags, IReadOnlyList<string> Files);
