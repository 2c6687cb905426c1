using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tokenizers;

// ML.NET finds the loader by the signature in the zip and loads this assembly by its name, so that users register nothing.
[assembly: LoadableClass(
    typeof(FineTuningTransformer), typeof(FineTuningTransformerLoader), null, typeof(SignatureLoadModel), "Fine-tuned network",
    ModelArchive.LoaderSignature)]
[assembly: LoadableClass(
    typeof(FineTuningTransformer), typeof(ImagesOfFormat1Loader), null, typeof(SignatureLoadModel), "Fine-tuned image network",
    ModelArchive.ImagesOfFormat1)]
[assembly: LoadableClass(
    typeof(FineTuningTransformer), typeof(ModulesOfFormat1Loader), null, typeof(SignatureLoadModel), "Fine-tuned module",
    ModelArchive.ModulesOfFormat1)]

namespace MlNetFineTune.Scoring;

/// <summary>
/// A fine-tuned network in ML.NET's zip, format version 2: <c>Model.key</c> (bool: whether there are classes; then their key values),
/// <c>heads.key</c> where several heads have classes (<see cref="ClassKeys"/>), <c>weights.safetensors</c>, <c>manifest.json</c>
/// (<see cref="ModelManifest"/>) and its hash, <c>novelty.features</c> where there is a novelty score (<see cref="NearestNeighbors"/>),
/// <c>network.pt</c> where the network is a TorchScript program, and <c>vocabulary.txt</c> where texts enter it. The code of a module is
/// not in the file: its factory creates the module. Version 1 had two kinds: images, whose <c>Model.key</c> begins with the key values, and
/// modules.
/// </summary>
internal static class ModelArchive
{
    public const string LoaderSignature = "MlNetFineTune";
    public const string ImagesOfFormat1 = "MlNetFineTuneImages";
    public const string ModulesOfFormat1 = "MlNetFineTuneModule";

    private const string ScriptStream = "network.pt";
    private const string HeadsStream = "heads.key";
    private const string VocabularyStream = "vocabulary.txt";
    private const string NoveltyStream = "novelty.features";

    // Byte-level BPE has two files in one: the tokens and the merges.
    private const long MostVocabulary = 2L * TokenList.MaximumBytes;

    // Numbers of one row: 512 MB.
    private const long MostNumbers = 1L << 27;

    // Compression ratios: trained weights close to 1, sparse ones 10, constant ones 1000. A higher ratio indicates a decompression bomb.
    private const int MostUnpacking = 100, FreeUnpacking = 16 << 20;

    public static VersionInfo Version { get; } = VersionOf("MNFTMDL2", LoaderSignature);

    public static VersionInfo ImagesVersion1 { get; } = VersionOf("MNFTIMGC", ImagesOfFormat1);

    public static VersionInfo ModulesVersion1 { get; } = VersionOf("MNFTMODL", ModulesOfFormat1);

    public static void Save(
        IHostEnvironment env, ModelSaveContext ctx, FineTunedNetwork network, BoundTask task, ModelManifest manifest,
        NearestNeighbors? nearest)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        ctx.Writer.Write(task.Keys is not null);
        task.Keys?.Save(env, ctx.Writer);
        if (task.Keys is null && task.AllKeys is { Count: > 0 } keys)
            ctx.SaveBinaryStream(HeadsStream, writer => writer.Write(ClassKeys.ToBytes(env, keys)));
        SaveScript(ctx, network);
        SaveVocabulary(ctx, manifest.Input);
        if (nearest is not null)
            ctx.SaveBinaryStream(NoveltyStream, writer => writer.Write(nearest.ToBytes()));
        ArchiveFiles.SaveManifest(
            ctx, manifest with { WeightsSha256 = ArchiveFiles.SaveWeights(ctx, network, manifest.WeightPrecision) });
    }

    /// <param name="env">Environment of the context.</param>
    /// <param name="ctx">Context at the model's entry.</param>
    /// <param name="version">Version that the header must have.</param>
    /// <param name="hasKeys">Whether keys are always present, without a preceding Boolean.</param>
    public static FineTuningTransformer Load(IHostEnvironment env, ModelLoadContext ctx, VersionInfo version, bool hasKeys = false)
    {
        TorchRuntime.BeginLoading();
        var keys = LoadKeys(env, ctx, version, hasKeys);
        var manifest = WithVocabulary(ctx, ArchiveFiles.LoadManifest(ctx));
        using var channel = env.Start("Loading a fine-tuned network");
        var device = Devices.Choose(env, channel);
        var model = CreateEmpty(env, manifest, keys, sha256 => LoadScript(ctx, sha256), novelty => LoadNovelty(ctx, novelty));
        try
        {
            ArchiveFiles.LoadWeights(ctx, model.Network, manifest.WeightsSha256);
            model.Network.MoveTo(device);
            model.Network.UsesBFloat16 = manifest.UsesBFloat16 && ReducedPrecision.IsUsed(Precision.Auto, device, channel);
            model.Network.PrepareForScoring();
            Probe.Check(channel, model);
            var loaded = new FineTuningTransformer(env, model, report: null);
            ArchivedModels.Add(ctx.Repository, ctx.Directory, loaded);
            return loaded;
        }
        catch
        {
            model.Network.Dispose();
            throw;
        }
    }

    /// <summary>Writes the TorchScript program if the network is one.</summary>
    public static void SaveScript(ModelSaveContext ctx, FineTunedNetwork network)
    {
        if (network.Definition?.Script is { } script)
            ctx.SaveBinaryStream(ScriptStream, writer => writer.Write(script.Bytes));
    }

    /// <summary>Writes the vocabulary of a tokenizer, if the input has one.</summary>
    public static void SaveVocabulary(ModelSaveContext ctx, InputManifest input)
    {
        if (input.Vocabulary is { } bytes)
            ctx.SaveBinaryStream(VocabularyStream, writer => writer.Write(bytes));
    }

    /// <summary>The input of a manifest with the vocabulary of the zip.</summary>
    public static InputManifest LoadVocabulary(ModelLoadContext ctx, InputManifest input) => input.WithVocabulary(
        () => Unpacked(ctx, VocabularyStream, MostVocabulary) ?? throw ArchiveFiles.Damaged($"it has no {VocabularyStream}"));

    private static ModelManifest WithVocabulary(ModelLoadContext ctx, ModelManifest manifest) =>
        manifest with { Input = LoadVocabulary(ctx, manifest.Input) };

    /// <summary>Attaches the adapters of the manifest.</summary>
    /// <param name="network">The network. Disposed if this fails.</param>
    /// <param name="manifest">Manifest of the model.</param>
    /// <exception cref="InvalidDataException">The adapters do not fit the network.</exception>
    public static FineTunedNetwork WithAdapters(FineTunedNetwork network, ModelManifest manifest)
    {
        try
        {
            manifest.Adapter?.Attach(network);
            return network;
        }
        catch (ArgumentException e)
        {
            network.Dispose();
            throw ArchiveFiles.Damaged(
                $"its {ArchiveFiles.ManifestStream} describes adapters that do not fit its network ({SafeText.Message(e)})");
        }
    }

    /// <summary>What ML.NET's header of an entry of ours says.</summary>
    /// <param name="modelSignature">8 characters.</param>
    /// <param name="loaderSignature">At most 24 characters.</param>
    public static VersionInfo VersionOf(string modelSignature, string loaderSignature) => new(
        modelSignature: modelSignature,
        verWrittenCur: ArchiveFiles.WrittenVersion,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: loaderSignature,
        // The simple name: with a full name, a newer assembly version would fail inside ML.NET, without this library's message.
        loaderAssemblyName: typeof(ModelArchive).Assembly.GetName().Name);

    private static IReadOnlyList<LabelKeys> LoadKeys(IHostEnvironment env, ModelLoadContext ctx, VersionInfo version, bool hasKeys)
    {
        ctx.CheckAtModel(version);
        return hasKeys || ctx.Reader.ReadBoolean() ? [LabelKeys.Load(env, ctx.Reader)]
            : Unpacked(ctx, HeadsStream, Array.MaxLength) is { } bytes ? ClassKeys.OfBytes(env, bytes)
            : [];
    }

    /// <summary>The model that a manifest describes, with weights not yet loaded.</summary>
    private static FineTunedModel CreateEmpty(
        IHostEnvironment env, ModelManifest manifest, IReadOnlyList<LabelKeys> keys, Func<string, byte[]> loadScript,
        Func<NoveltyManifest, byte[]> loadNovelty)
    {
        try
        {
            var task = manifest.Task.BindAll(keys);
            var conformal = manifest.Conformal?.Bind(task, loadNovelty);
            var length = ScoreFunction.Of(task.Scoring, conformal?.Nearest).Length;
            if (manifest.ProbeScores.Count != length)
            {
                throw ArchiveFiles.Damaged(
                    $"its {ArchiveFiles.ManifestStream} has {manifest.ProbeScores.Count} probe scores for {length} outputs");
            }
            var input = InputOf(manifest);
            var form = new NetworkForm(env, task.Outputs, task.CreateHead, input.Shapes, manifest.Seed, loadScript);
            var network = WithAdapters(NetworkOf(manifest, form), manifest);
            return new FineTunedModel(network, input, task, manifest) { Conformal = conformal };
        }
        catch (Exception e) when (e is ArgumentException or OverflowException or ExternalException)
        {
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} makes no sense: {SafeText.Message(e)}");
        }
    }

    /// <summary>The input of the network that a manifest describes.</summary>
    /// <exception cref="ArgumentException">The input is invalid, or does not fit the kind of network.</exception>
    /// <exception cref="OverflowException">The input is too large.</exception>
    public static ModelInput InputOf(ModelManifest manifest)
    {
        var input = manifest.Input.Create();
        var numbers = input.Shapes.Sum(shape => (long)shape.Size);
        if (numbers > MostNumbers)
            throw new ArgumentException($"a row of it has {numbers} numbers, at most {MostNumbers} are possible");
        if (manifest.Encoder is TextNetworkManifest text)
            text.RequireFits(input.Tokens);
        else if (input.Tokens is not null)
            throw new ArgumentException("texts enter it, and its network is none of texts");
        var table = manifest.Encoder.TableLayers;
        if (manifest.Encoder.IsOfPictures && input.Preprocessing is null)
            throw new ArgumentException("no picture enters its image network");
        if (manifest.Encoder is BackboneManifest { InputChannels: var taken } && manifest.Input.FindPictures()?.Channels is { } given
            && given != taken)
        {
            throw new ArgumentException($"its pictures have {given} channels, and its network takes {taken}");
        }
        if (manifest.Input.MissingPicturesBesideTable() is { } missing
            ? table is null || table.LearnsMissingPictures != (missing != MissingPictures.Refuse)
            : table is not null)
        {
            throw new ArgumentException("its network and the table beside its pictures do not belong together");
        }
        CheckViews(manifest, input);
        return input;
    }

    private static FineTunedNetwork NetworkOf(ModelManifest manifest, NetworkForm form)
    {
        try
        {
            return manifest.Encoder.CreateEmpty(form);
        }
        catch (ArgumentException e) when (manifest.Encoder.IsOfPictures)
        {
            throw ArchiveFiles.Damaged(
                $"its {ArchiveFiles.ManifestStream} asks for a network that this library does not know ({SafeText.Message(e)})");
        }
    }

    private static void CheckViews(ModelManifest manifest, ModelInput input)
    {
        try
        {
            _ = FineTunedModel.ViewsOf(manifest, input);
        }
        catch (ArgumentException e)
        {
            throw ArchiveFiles.Damaged(
                $"its {ArchiveFiles.ManifestStream} asks for views that cannot be scored ({SafeText.Message(e)})");
        }
    }

    // Null if there is no such entry.
    /// <summary>Bytes of an entry beyond which it was made to exhaust memory.</summary>
    /// <param name="packed">Its bytes in the zip.</param>
    public static long MostUnpackedOf(long packed) => FreeUnpacking + MostUnpacking * packed;

    private static byte[]? Unpacked(ModelLoadContext ctx, string name, long most)
    {
        var packed = ModelEntries.SizeOf(ctx, name)?.PackedLength ?? 0;
        return ArchiveFiles.Load(ctx, name, Math.Min(MostUnpackedOf(packed), most));
    }

    private static byte[] LoadNovelty(ModelLoadContext ctx, NoveltyManifest novelty)
    {
        var bytes = Unpacked(ctx, NoveltyStream, Array.MaxLength) ?? throw ArchiveFiles.Damaged($"it has no {NoveltyStream}");
        if (bytes.LongLength != (long)novelty.Rows * novelty.Features * sizeof(float))
        {
            throw ArchiveFiles.Damaged(
                $"its {NoveltyStream} has {bytes.Length} bytes, which are not {novelty.Rows} rows of {novelty.Features} numbers");
        }
        var actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return actual == novelty.Sha256
            ? bytes
            : throw ArchiveFiles.Damaged($"the SHA-256 of {NoveltyStream} is {actual}, expected {SafeText.Of(novelty.Sha256)}");
    }

    /// <summary>Loads the TorchScript program of the zip.</summary>
    public static byte[] LoadScript(ModelLoadContext ctx, string expectedSha256)
    {
        var bytes = Unpacked(ctx, ScriptStream, Array.MaxLength) ?? throw ArchiveFiles.Damaged($"it has no {ScriptStream}");
        var actual = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return actual == expectedSha256
            ? bytes
            : throw ArchiveFiles.Damaged($"the SHA-256 of {ScriptStream} is {actual}, expected {SafeText.Of(expectedSha256)}");
    }
}

// ML.NET finds these classes by reflection: one for each loader signature.
internal static class FineTuningTransformerLoader
{
    private static FineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => ModelArchive.Load(env, ctx, ModelArchive.Version));
}

internal static class ImagesOfFormat1Loader
{
    private static FineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => ModelArchive.Load(env, ctx, ModelArchive.ImagesVersion1, hasKeys: true));
}

internal static class ModulesOfFormat1Loader
{
    private static FineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => ModelArchive.Load(env, ctx, ModelArchive.ModulesVersion1));
}
