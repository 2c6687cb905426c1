using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using MlNetFineTune.Distilling;
using MlNetFineTune.Heads;
using MlNetFineTune.Modules;
using MlNetFineTune.Rows;
using MlNetFineTune.Scoring;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Training;

/// <summary>What makes a training this one: options, seed, data, and the weights that it begins with.</summary>
internal static class RunIdentity
{
    /// <param name="network">Before its first step.</param>
    /// <param name="data">Labels, order and split; of the inputs what is cheap to know: name and length of files, or bytes in memory.</param>
    /// <param name="options">What changes the result; not how fast, how long or how watched.</param>
    /// <param name="seed">Of the training.</param>
    /// <param name="teacher">Null where there is none.</param>
    public static SortedDictionary<string, string> Of(TrainableNetwork network, TrainingData data, FineTuningOptions options, long seed, Teacher? teacher)
    {
        var identity = ManifestOf.Describe(options);
        identity["Seed"] = seed.ToString(CultureInfo.InvariantCulture);
        identity["Network"] = network.Name;
        foreach (var (name, value) in OfTheNetwork(options))
            identity[name] = value;
        identity["Weights at the beginning"] = Sum(hash =>
        {
            using var sink = new HashingStream(Stream.Null, hash);
            foreach (var (_, tensor) in network.NamedTensors())
                SafeTensorsWriter.WriteNumbers(sink, tensor);
        });
        if (teacher is not null)
            identity["Weights of the teacher"] = teacher.Report.WeightsSha256[..16];
        identity["Training rows"] = Describe(data.Training);
        identity["Validation rows"] = Describe(data.Validation);
        return identity;
    }

    /// <summary>Null, or what differs, for a message.</summary>
    public static string? Difference(IReadOnlyDictionary<string, string> there, IReadOnlyDictionary<string, string> here)
    {
        var different = there.Keys.Union(here.Keys).Order(StringComparer.Ordinal).Where(name => Of(there, name) != Of(here, name))
            .Select(name => $"{name} was {Of(there, name)} and is {Of(here, name)}").ToList();
        return different.Count > 0 ? string.Join("; ", different) : null;

        static string Of(IReadOnlyDictionary<string, string> identity, string name) => identity.TryGetValue(name, out var value) ? value : "unknown";
    }

    // What the weights do not say: how rows become input, and the settings of a user's modules.
    private static IEnumerable<(string Name, string Value)> OfTheNetwork(FineTuningOptions options) => options switch
    {
        ImageFineTuningOptions { Backbone: var backbone } image =>
        [
            ("Preprocessing", JsonSerializer.Serialize(backbone.Preprocessing)),
            ("Recipe", JsonSerializer.Serialize(backbone.Recipe.ToMetadata())),
            ("RawPixels", JsonSerializer.Serialize(image.RawPixels)),
            .. backbone.Changes.Select(change => ($"Stage {change.Stage}", change.Replacement is { } module ? Describe(module.Contract) : "drawn anew")),
        ],
        ModuleFineTuningOptions module =>
        [
            ("Module", Describe(ModuleContract.Of(module.Factory))),
            ("Inputs", string.Join(", ", module.Inputs.Select(input => input is ModuleInput.PictureInput picture ? $"{picture.ColumnName} {JsonSerializer.Serialize(picture.Preprocessing)}" : input.ColumnName))),
        ],
        _ => [],
    };

    private static string Describe(ModuleContract contract) => $"{contract.Name} {contract.Settings}";

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
        return $"{subset.Rows.Length} ({sum})";
    }

    // Enough of it for a message; no one means to deceive himself.
    private static string Sum(Action<IncrementalHash> append)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        append(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
