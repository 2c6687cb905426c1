using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tokenizers;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The tensors that a training with adapters changed, as a safetensors file: the adapters, the head, and the stages that were replaced or
/// reinitialised. The metadata contain the model's manifest, the label's keys and the SHA-256 of the unchanged weights, which is verified
/// when the adapter is loaded.
/// </summary>
internal static class AdapterFile
{
    private const string Manifest = "mlnetfinetune.manifest";
    private const string Keys = "mlnetfinetune.keys";
    private const string HeadKeys = "mlnetfinetune.heads";
    private const string Base = "mlnetfinetune.base";

    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    public static void Save(IHostEnvironment env, string path, FineTunedNetwork network, BoundTask task, ModelManifest manifest)
    {
        if (network.Adapters.Count == 0)
        {
            throw new InvalidOperationException(
                "The model has no adapter: train it with Adapter = Adapter.Lora(...). SaveWeights writes all weights.");
        }
        if (manifest.WeightPrecision == WeightPrecision.Float16)
        {
            throw new InvalidOperationException(
                "The model's weights were rounded to half precision, so that they are no pretrained file's any more: "
                + "save the adapter of the model before WithHalfPrecisionWeights.");
        }
        var metadata = new Dictionary<string, string>(network.Metadata, StringComparer.Ordinal)
        {
            [Manifest] = ArchiveFiles.ToJson(manifest with { WeightsSha256 = null }),
            [Base] = HashOfUnchanged(network),
        };
        if (task.Keys is { } keys)
        {
            using var bytes = new MemoryStream();
            using (var writer = new BinaryWriter(bytes, Encoding.UTF8, leaveOpen: true))
                keys.Save(env, writer);
            metadata[Keys] = Convert.ToBase64String(bytes.ToArray());
        }
        else if (task.AllKeys is { Count: > 0 } ofHeads)
        {
            metadata[HeadKeys] = Convert.ToBase64String(ClassKeys.ToBytes(env, ofHeads));
        }
        SafeTensorsWriter.WriteFile(path, Changed(network), metadata);
    }

    /// <exception cref="InvalidDataException">The file is not an adapter, is damaged, or belongs to another backbone.</exception>
    public static FineTuningTransformer Load(IHostEnvironment env, string path, Backbone backbone) => Load(env, path, file =>
    {
        var trained = file.TrainedOn<BackboneManifest>("an image network", input => input.Preprocessing is not null);
        return ImageNetwork.Create(
            DefinitionOf(trained, backbone, path), file.Task.CreateHead, file.Manifest.Seed, file.Log, TableFormOf(trained, file));
    });

    /// <exception cref="InvalidDataException">The file is not an adapter, is damaged, or belongs to another text network.</exception>
    public static FineTuningTransformer Load(IHostEnvironment env, string path, TextBackbone backbone) => Load(env, path, file =>
    {
        var trained = file.TrainedOn<TextNetworkManifest>("a text network", input => input.Tokens is not null);
        return trained.Fits(backbone)
            ? TextNetwork.Create(WithPooling(backbone, trained.Pooling, path), file.Task.CreateHead, file.Manifest.Seed, file.Log)
            : throw new InvalidDataException(
                $"The adapter '{path}' was trained on {SafeText.Of(trained.Name)}, a network of another form than {backbone}.");
    }, backbone.Tokenizer);

    private static TextBackbone WithPooling(TextBackbone backbone, TextBackbone.TokenPooling pooling, string path)
    {
        try
        {
            return backbone with { Pooling = pooling };
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: {SafeText.Message(e)}", e);
        }
    }

    /// <param name="env">Environment of the context.</param>
    /// <param name="path">Path of the adapter file.</param>
    /// <param name="factory">Creates the module.</param>
    /// <param name="weights"><see cref="ModuleFineTuningOptions.WeightsFile"/> of the training.</param>
    /// <exception cref="InvalidDataException">The file is not an adapter, is damaged, or belongs to another module.</exception>
    public static FineTuningTransformer Load(IHostEnvironment env, string path, ModuleFactory factory, string? weights) =>
        Load(env, path, file =>
    {
        var (given, trained) = (ModuleContract.Of(factory), file.TrainedOn<ModuleManifest>("a module", _ => true).Contract);
        if (given.Name != trained.Name || !JsonElement.DeepEquals(given.Settings, trained.Settings))
        {
            throw new InvalidDataException(
                $"The adapter '{path}' was trained on module {SafeText.Quoted(trained.Name)} with settings "
                + $"{SafeText.Of(trained.Settings.ToString(), SafeText.SentenceLength)}, not on '{given.Name}' with {given.Settings}.");
        }
        var network = ModuleNetwork.Create(
            factory, given.Name, new ModuleContext(file.Input.Shapes, file.Task.Outputs), file.Manifest.Seed);
        try
        {
            if (weights is not null)
            {
                foreach (var note in network.LoadWeights(weights))
                    file.Log($"Weights '{Path.GetFileName(weights)}': {note}");
            }
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    });

    private static FineTuningTransformer Load(
        IHostEnvironment env, string path, Func<Opened, FineTunedNetwork> create, Tokenizer? tokenizer = null)
    {
        using var file = WeightFile.Open(path);
        if (!(file.Metadata.TryGetValue(Manifest, out var json) && file.Metadata.TryGetValue(Base, out var expected)))
            throw new InvalidDataException($"'{path}' is no adapter that SaveAdapter wrote: its metadata lack {Manifest} or {Base}.");
        var manifest = WithVocabulary(ArchiveFiles.ManifestOf(json, Manifest), tokenizer, path);
        IReadOnlyList<LabelKeys> keys = file.Metadata.TryGetValue(Keys, out var text) ? [KeysOf(path, text, bytes => ReadKeys(env, bytes))]
            : file.Metadata.TryGetValue(HeadKeys, out var ofHeads) ? KeysOf(path, ofHeads, bytes => ClassKeys.OfBytes(env, bytes))
            : [];
        var (task, input, conformal) = Read(manifest, keys, path);

        using var channel = env.Start("Loading an adapter");
        var device = Devices.Choose(env, channel);
        var network = create(new Opened(path, manifest, task, input, message => channel.Info(message)));
        try
        {
            Attach(network, manifest, path);
            StrictLoader.Load(file, Changed(network), network.Name, mayIgnore: _ => false);
            FiniteNumbers.Require(path, Changed(network));
            if (HashOfUnchanged(network) is var actual && actual != expected)
            {
                throw new InvalidDataException(
                    $"The adapter '{path}' was trained on other weights of {network.Name}: "
                    + $"theirs have the SHA-256 {SafeText.Of(expected)}, "
                    + $"those of {network.Description} {actual}."
                    + (manifest.Encoder.WeightsOrigin is { } weights
                        ? $" Its training took them from {SafeText.Quoted(weights)}."
                        : ""));
            }
            network.MoveTo(device);
            network.UsesBFloat16 = manifest.UsesBFloat16 && ReducedPrecision.IsUsed(Precision.Auto, device, channel);
            network.PrepareForScoring();
            var model = new FineTunedModel(network, input, task, manifest with { Encoder = network.Describe() }) { Conformal = conformal };
            Probe.Check(channel, model);
            return new FineTuningTransformer(env, model, report: null);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    // The vocabulary is part of the text backbone, not of its adapter.
    private static ModelManifest WithVocabulary(ModelManifest manifest, Tokenizer? tokenizer, string path)
    {
        var trained = manifest.Input switch
        {
            TextInputManifest texts => texts.Tokenizer,
            WordInputManifest words => words.Tokenizer,
            AnswerInputManifest answers => answers.Tokenizer,
            _ => null,
        };
        if (trained is null)
            return manifest;
        if (tokenizer is null)
            throw new InvalidDataException($"The adapter '{path}' is one of a text network: give its TextBackbone.");
        return trained == tokenizer.Describe()
            ? manifest with { Input = manifest.Input.WithVocabulary(() => tokenizer.Describe().Vocabulary) }
            : throw new InvalidDataException(
                $"The adapter '{path}' was trained with another tokenizer than {tokenizer.Name} of this backbone.");
    }

    private static (BoundTask Task, ModelInput Input, ConformalModel? Conformal) Read(
        ModelManifest manifest, IReadOnlyList<LabelKeys> keys, string path)
    {
        try
        {
            var task = manifest.Task.BindAll(keys);
            if (manifest.ProbeScores.Count != task.Scoring.ScoreLength)
            {
                throw new ArgumentException(
                    $"it has {manifest.ProbeScores.Count} probe scores for {task.Scoring.ScoreLength} "
                    + $"{(keys.Count == 1 ? "classes" : "outputs")}");
            }
            return (task, ModelArchive.InputOf(manifest), manifest.Conformal?.Bind(task, load: null));
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: {SafeText.Message(e)}", e);
        }
    }

    private static TableForm? TableFormOf(BackboneManifest trained, Opened file)
    {
        try
        {
            return trained.TableFormOf(file.Input.Shapes);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The adapter '{file.Path}' is damaged: {SafeText.Message(e)}", e);
        }
    }

    private static Backbone DefinitionOf(BackboneManifest trained, Backbone given, string path)
    {
        if (!trained.Fits(given))
            throw new InvalidDataException(
                $"The adapter '{path}' was trained on {SafeText.Of(trained.Text, SafeText.SentenceLength)}, not on {given}.");
        try
        {
            return trained.WithPooling(given with
            {
                Recipe = new(trained.Preprocessing, trained.Padding, trained.BatchNormEpsilon),
                Preprocessing = trained.Preprocessing,
                Padding = trained.Padding,
                InputChannels = trained.InputChannels
            });
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: {SafeText.Message(e)}", e);
        }
    }

    private static void Attach(FineTunedNetwork network, ModelManifest manifest, string path)
    {
        try
        {
            (manifest.Adapter ?? throw new ArgumentException("it describes no adapter")).Attach(network);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: {SafeText.Message(e)}");
        }
    }

    private static LabelKeys ReadKeys(IHostEnvironment env, byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes));
        return LabelKeys.Load(env, reader);
    }

    private static T KeysOf<T>(string path, string text, Func<byte[], T> read)
    {
        try
        {
            return read(Convert.FromBase64String(text));
        }
        catch (Exception e) when (e is FormatException or IOException or InvalidOperationException or ArgumentException
            or OverflowException)
        {
            throw new InvalidDataException($"The adapter '{path}' is damaged: its classes cannot be read ({SafeText.Message(e)}).", e);
        }
    }

    private static List<(string Name, Tensor Tensor)> Changed(FineTunedNetwork network) =>
        [.. network.NamedTensors().Where(named => IsChanged(network, named.Name))];

    private static bool IsChanged(FineTunedNetwork network, string tensor) =>
        tensor.EndsWith(".lora_A.weight", StringComparison.Ordinal) || tensor.EndsWith(".lora_B.weight", StringComparison.Ordinal)
        || network.StageOf(tensor) is var stage && (stage == network.Stages.Count || network.ChangedStages.Contains(stage));

    private static string HashOfUnchanged(FineTunedNetwork network)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var hashing = new HashingStream(Stream.Null, sha);
        foreach (var (name, tensor) in network.NamedTensors().Where(named => !IsChanged(network, named.Name))
            .OrderBy(named => named.Name, StringComparer.Ordinal))
        {
            hashing.Write(Encoding.UTF8.GetBytes(name));
            SafeTensorsWriter.WriteNumbers(hashing, tensor);
        }
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    /// <summary>The content of an adapter file, apart from its tensors.</summary>
    private sealed record Opened(string Path, ModelManifest Manifest, BoundTask Task, ModelInput Input, Action<string> Log)
    {
        public T TrainedOn<T>(string kind, Predicate<ModelInput> fits)
            where T : NetworkManifest => Manifest.Encoder is T trained && fits(Input)
            ? trained
            : throw new InvalidDataException($"The adapter '{Path}' is not one of {kind}.");
    }
}
