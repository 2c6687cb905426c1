using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Training;

/// <summary>
/// What makes a training this one: the options and the plan that they resolve to, seed, data, and the weights that it begins with. Each by
/// its name, as <see cref="CanonicalJson"/>.
/// </summary>
internal static class RunFingerprint
{
    /// <summary>Everything that decides the result of a training before its first step, by name.</summary>
    public static SortedDictionary<string, JsonElement> Of(TrainingRun run)
    {
        var (network, data) = (run.Network, run.Data);
        var fingerprint = Of(run.Options);
        Add("Seed", run.Seed);
        Add("Network", network.Fingerprint);
        Add("Plan", run.Plan.Phases);
        Add("Weights at the beginning", Sum(hash =>
        {
            using var sink = new HashingStream(Stream.Null, hash);
            foreach (var (_, tensor) in network.NamedTensors())
                SafeTensorsWriter.WriteNumbers(sink, tensor);
        }));
        if (run.Teacher is { } teacher)
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

    // Part of the hash is enough: a collision with one's own training is no attack.
    private static string Sum(Action<IncrementalHash> append)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        append(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
