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
/// The identity of a training: options and the plan to which they resolve, seed, data and initial weights, by name, as
/// <see cref="CanonicalJson"/>.
/// </summary>
internal static class RunFingerprint
{
    /// <summary>Everything that determines the result of a training before its first step, by name.</summary>
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

    /// <summary>The options only, without those marked by <see cref="NotInFingerprintAttribute"/>.</summary>
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

    // A part of the hash suffices: only accidental collisions matter.
    private static string Sum(Action<IncrementalHash> append)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        append(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
