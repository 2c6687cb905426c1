using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Training;

/// <summary>
/// What makes a training this one: the options and the plan that they resolve to, seed, data, and the weights that it begins with. Each by
/// its name, as <see cref="CanonicalJson"/>.
/// </summary>
internal static class RunFingerprint
{
    /// <param name="network">Before its first step.</param>
    /// <param name="plan">Of this network: a rule of the user's is known by what it says of each parameter.</param>
    /// <param name="data">Labels, order and split; of the inputs what is cheap to know: name and length of files, or bytes in
    /// memory.</param>
    /// <param name="options">What changes the result; not how fast, how long or how watched.</param>
    /// <param name="seed">Of the training.</param>
    /// <param name="teacher">Null where there is none.</param>
    public static SortedDictionary<string, JsonElement> Of(
        TrainableNetwork network, TrainingPlan plan, TrainingData data, FineTuningOptions options, long seed, Teacher? teacher)
    {
        var fingerprint = Of(options);
        Add("Seed", seed);
        Add("Network", options is ImageFineTuningOptions { Backbone: var form }
            ? BackboneManifest.Of(form) with { SourceWeights = null }
            : network.Name);
        Add("Plan", plan.Parts.Select(part => Describe(part, network, options.BatchNorm)).ToArray());
        Add("Weights at the beginning", Sum(hash =>
        {
            using var sink = new HashingStream(Stream.Null, hash);
            foreach (var (_, tensor) in network.NamedTensors())
                SafeTensorsWriter.WriteNumbers(sink, tensor);
        }));
        if (teacher is not null)
        {
            Add("Weights of the teacher", teacher.Report.WeightsSha256[..16]);
            teacher.Identify((computation, _) => Add("Teacher", Sum(hash => hash.AppendData(Encoding.UTF8.GetBytes(computation)))));
        }
        Add("Training rows", Describe(data.Training));
        Add("Validation rows", Describe(data.Validation));
        return fingerprint;

        void Add(string name, object value) => fingerprint.Add(name, CanonicalJson.ElementOf(value));
    }

    /// <summary>The options alone: all but those that say why they are not here.</summary>
    public static SortedDictionary<string, JsonElement> Of(FineTuningOptions options)
    {
        var fingerprint = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, value) in CanonicalJson.StateOf(options))
            fingerprint.Add(name, CanonicalJson.ElementOf(value));
        return fingerprint;
    }

    private static PhaseFingerprint Describe(PlanPart part, TrainableNetwork network, BatchNormMode batchNorm) => new(
        part.Epochs, part.Augments, part.BatchNormOf(network, batchNorm),
        network.Parameters().ToDictionary(parameter => parameter.Name, part.ScaleOf, StringComparer.Ordinal));

    private static string Describe(RowSubset subset)
    {
        var sum = Sum(hash =>
        {
            hash.AppendData(MemoryMarshal.AsBytes(subset.LabelsOf(subset.Rows).AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes((subset.WeightsOf(subset.Rows) ?? []).AsSpan()));
            foreach (var row in subset.Rows)
            {
                hash.AppendData(BitConverter.GetBytes(subset.Source.Ordinals[row]));
                subset.Source.Inputs.Identify(row, hash);
            }
        });
        return FormattableString.Invariant($"{subset.Rows.Length} ({sum})");
    }

    // Enough of it: nobody gains by a collision with his own training.
    private static string Sum(Action<IncrementalHash> append)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        append(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>A part of the plan.</summary>
    /// <param name="Epochs">How long.</param>
    /// <param name="Augments">Whether rows are changed at random.</param>
    /// <param name="BatchNorm">Never <see cref="BatchNormMode.ByStrategy"/>.</param>
    /// <param name="LearningRateScales">Of every parameter by its name; 0 where it is frozen.</param>
    private sealed record PhaseFingerprint(
        int Epochs, bool Augments, BatchNormMode BatchNorm, Dictionary<string, float> LearningRateScales);
}
