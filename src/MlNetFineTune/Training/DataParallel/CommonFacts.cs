using System.Text.Json;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// What must be the same in all processes of a training: its fingerprint, and options that change no result but which sums are computed in
/// which order. Where and how often to write is of process 0 alone.
/// </summary>
internal static class CommonFacts
{
    /// <param name="run">The training.</param>
    /// <param name="fingerprint">Its fingerprint; not changed.</param>
    public static SortedDictionary<string, JsonElement> Of(TrainingRun run, IReadOnlyDictionary<string, JsonElement> fingerprint)
    {
        var options = run.Options;
        var facts = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, value) in fingerprint)
            facts.Add(name, value);
        // The library's build: another version may sum in another order.
        Add("MlNetFineTune", typeof(CommonFacts).Module.ModuleVersionId.ToString());
        Add("Device", run.Network.Device.type.ToString());
        Add(nameof(options.ActivationCheckpointing), options.ActivationCheckpointing);
        Add(nameof(options.FeatureCache), options.FeatureCache.IsInFolder ? "InFolder" : options.FeatureCache.ToString()!);
        Add(nameof(options.Conformal), options.Conformal?.ToString() ?? "none");
        Add(nameof(options.OnDivergence), options.OnDivergence.ToString());
        Add("Has checkpoints", options.Checkpoint != TrainingCheckpoint.None);
        Add("Has a RunFolder", options.RunFolder is not null);
        Add("Keeps outputs", run.KeepsOutputs);
        return facts;

        void Add(string name, object value) => facts.Add(name, CanonicalJson.ElementOf(value));
    }
}
