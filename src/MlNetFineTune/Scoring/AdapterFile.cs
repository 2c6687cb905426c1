using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>
/// What a training with adapters has changed, as a safetensors file: the adapters, the head, and the stages that were replaced or drawn anew. Its metadata hold the model's manifest, the
/// label's keys, and the SHA-256 of the weights that did not change, which must be there when it is applied.
/// </summary>
internal static class AdapterFile
{
    private const string Manifest = "mlnetfinetune.manifest";
    private const string Keys = "mlnetfinetune.keys";
    private const string Base = "mlnetfinetune.base";

    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    public static void Save(IHostEnvironment env, string path, ImageClassifier classifier, LabelKeys keys, ModelManifest manifest)
    {
        if (classifier.Backbone.Adapters.Count == 0)
            throw new InvalidOperationException("The model has no adapter: train it with Adapter = Adapter.Lora(...). SaveWeights writes all weights.");
        if (manifest.WeightPrecision == WeightPrecision.Float16)
            throw new InvalidOperationException("The model's weights were rounded to half precision, so that they are no pretrained file's any more: save the adapter of the model before WithHalfPrecisionWeights.");
        using var bytes = new MemoryStream();
        using (var writer = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
            keys.Save(env, writer);
        SafeTensorsWriter.WriteFile(path, Changed(classifier), new Dictionary<string, string>(classifier.Metadata, StringComparer.Ordinal)
        {
            [Manifest] = ArchiveFiles.ToJson(manifest with { WeightsSha256 = null }),
            [Keys] = Convert.ToBase64String(bytes.ToArray()),
            [Base] = HashOfUnchanged(classifier),
        });
    }

    /// <exception cref="InvalidDataException">The file is no adapter, is damaged, or is another backbone's.</exception>
    public static ImageFineTuningTransformer Load(IHostEnvironment env, string path, Backbone backbone)
    {
        using var file = WeightFile.Open(path);
        if (!(file.Metadata.TryGetValue(Manifest, out var json) && file.Metadata.TryGetValue(Keys, out var text) && file.Metadata.TryGetValue(Base, out var expected)))
            throw new InvalidDataException($"'{path}' is no adapter that SaveAdapter wrote: its metadata lack {Manifest}, {Keys} or {Base}.");
        var manifest = ArchiveFiles.FromJson<ModelManifest>(json, ModelManifest.CurrentVersion, Manifest);
        var keys = KeysOf(env, text, path);
        ArchiveFiles.CheckClasses(keys, manifest.Classes, manifest.ProbeScores);
        ModelArchive.CheckViews(manifest);
        ArchiveFiles.CheckCalibration(manifest.Calibration, manifest.Classes);
        var definition = DefinitionOf(manifest.Backbone, backbone, path);

        using var channel = env.Start("Loading an adapter");
        var device = Devices.Choose(env, channel);
        var classifier = ImageClassifier.Create(definition, keys.Count, manifest.Seed, message => channel.Info(message));
        try
        {
            Attach(classifier, manifest, path);
            StrictLoader.Load(file, Changed(classifier), classifier.Name, mayIgnore: _ => false);
            FiniteNumbers.Require(path, Changed(classifier));
            if (HashOfUnchanged(classifier) is var actual && actual != expected)
                throw new InvalidDataException($"The adapter '{path}' was trained on other weights of {classifier.Name}: theirs have the SHA-256 {SafeText.Of(expected)}, those of {backbone} {actual}. Its training took them from {SafeText.Quoted(manifest.Backbone.SourceWeights)}.");
            classifier.MoveTo(device);
            classifier.PrepareForScoring();
            Probe.CheckPicture(channel, classifier, MulticlassObjective.OfScoring(keys.Count, manifest.Calibration), manifest);
            return new ImageFineTuningTransformer(env, classifier, keys, manifest with { Backbone = BackboneManifest.Of(definition) }, report: null);
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    private static Backbone DefinitionOf(BackboneManifest trained, Backbone given, string path)
    {
        if (!trained.Fits(given))
            throw new InvalidDataException($"The adapter '{path}' was trained on {SafeText.Of(trained.Text, SafeText.SentenceLength)}, not on {given}.");
        try
        {
            return given with { Recipe = new(trained.Preprocessing, trained.Padding, trained.BatchNormEpsilon), Preprocessing = trained.Preprocessing, Padding = trained.Padding, InputChannels = trained.InputChannels };
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: {SafeText.Message(e)}", e);
        }
    }

    private static void Attach(ImageClassifier classifier, ModelManifest manifest, string path)
    {
        try
        {
            (manifest.Adapter ?? throw new ArgumentException("it describes no adapter")).Attach(classifier);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: {SafeText.Message(e)}");
        }
    }

    private static LabelKeys KeysOf(IHostEnvironment env, string text, string path)
    {
        try
        {
            using var reader = new BinaryReader(new MemoryStream(Convert.FromBase64String(text)));
            return LabelKeys.Load(env, reader);
        }
        catch (Exception e) when (e is FormatException or IOException or InvalidOperationException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: its classes cannot be read ({SafeText.Message(e)}).", e);
        }
    }

    private static List<(string Name, Tensor Tensor)> Changed(ImageClassifier classifier) => [.. classifier.NamedTensors().Where(named => IsChanged(classifier, named.Name))];

    private static bool IsChanged(ImageClassifier classifier, string tensor) =>
        tensor.EndsWith(".lora_A.weight", StringComparison.Ordinal) || tensor.EndsWith(".lora_B.weight", StringComparison.Ordinal)
        || classifier.StageOf(tensor) is var stage && (stage == classifier.Stages.Count || classifier.Definition.Changes.Any(change => change.Stage == classifier.Stages[stage]));

    private static string HashOfUnchanged(ImageClassifier classifier)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var hashing = new HashingStream(Stream.Null, sha);
        foreach (var (name, tensor) in classifier.NamedTensors().Where(named => !IsChanged(classifier, named.Name)).OrderBy(named => named.Name, StringComparer.Ordinal))
        {
            hashing.Write(Encoding.UTF8.GetBytes(name));
            SafeTensorsWriter.WriteNumbers(hashing, tensor);
        }
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }
}
