using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Onnx;
using MlNetFineTune.Scoring;

// ML.NET finds the loader by the signature in the zip and loads this assembly by its name: no registration is required.
[assembly: LoadableClass(
    typeof(OnnxTextTransformer), typeof(OnnxTextLoader), null, typeof(SignatureLoadModel), "Text network in ONNX Runtime",
    OnnxTextArchive.LoaderSignature)]

namespace MlNetFineTune.Onnx;

/// <summary>
/// A text network in ML.NET's zip: <c>network.onnx</c>, <c>vocabulary.txt</c>, <c>manifest.json</c> (<see cref="OnnxTextManifest"/>) and
/// its hash.
/// </summary>
internal static class OnnxTextArchive
{
    public const string LoaderSignature = "MlNetFineTuneOnnxText";

    private const string NetworkStream = "network.onnx";

    public static VersionInfo Version { get; } = new(
        modelSignature: "MNFTOTXT",
        verWrittenCur: ArchiveFiles.WrittenVersion,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: LoaderSignature,
        loaderAssemblyName: typeof(OnnxTextArchive).Assembly.GetName().Name); // see ModelArchive.VersionOf

    /// <param name="ctx">Context at the model's entry.</param>
    /// <param name="manifest">Manifest of the transformer.</param>
    /// <param name="path">The network's file.</param>
    public static void Save(ModelSaveContext ctx, OnnxTextManifest manifest, string path)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        ModelArchive.SaveVocabulary(ctx, manifest.Input);
        ctx.SaveBinaryStream(NetworkStream, writer =>
        {
            using var network = File.OpenRead(path);
            network.CopyTo(writer.BaseStream);
        });
        ArchiveFiles.SaveManifest(ctx, manifest);
    }

    public static OnnxTextTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        var manifest = ArchiveFiles.LoadManifest<OnnxTextManifest>(ctx, OnnxTextManifest.CurrentVersion);
        manifest = manifest with { Input = (TextInputManifest)ModelArchive.LoadVocabulary(ctx, manifest.Input) };
        var file = new TemporaryFile(env, ".onnx");
        try
        {
            var texts = manifest.CreateInput();
            Unpack(ctx, manifest, file.Path);
            return new OnnxTextTransformer(env, manifest, texts, new OnnxTextScorer(env, texts, manifest.Outputs, file));
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is ArgumentException)
                throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} makes no sense: {SafeText.Message(e)}");
            if (e is OnnxRuntimeException)
            {
                throw new InvalidOperationException(
                    $"ONNX Runtime could not open {NetworkStream} of the model file, which has the SHA-256 that its manifest states: "
                    + $"{SafeText.Message(e)}. Look at the version of ONNX Runtime, the GPU, and the session options of the context; if "
                    + "they are right, make the chain again by ToOnnxPipeline.", e);
            }
            throw;
        }
    }

    private static void Unpack(ModelLoadContext ctx, OnnxTextManifest manifest, string path)
    {
        // Before ML.NET unpacks it, whatever its length.
        if (ModelEntries.SizeOf(ctx, NetworkStream) is not { } size || size.Length != manifest.NetworkLength)
            throw ArchiveFiles.Damaged($"it has no {NetworkStream} of {manifest.NetworkLength} bytes");
        if (size.Length > ModelArchive.MostUnpackedOf(size.PackedLength))
            throw ArchiveFiles.Damaged($"its {NetworkStream} unpacks from {size.PackedLength} to {size.Length} bytes");
        ctx.TryLoadBinaryStream(NetworkStream, reader =>
        {
            using var network = File.Create(path);
            reader.BaseStream.CopyTo(network);
        });
        if (OnnxTextManifest.HashOf(path) is var actual && actual != manifest.NetworkSha256)
        {
            throw ArchiveFiles.Damaged(
                $"the SHA-256 of {NetworkStream} is {actual}, expected {SafeText.Of(manifest.NetworkSha256)}");
        }
    }
}

// ML.NET finds it by reflection.
internal static class OnnxTextLoader
{
    private static OnnxTextTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => OnnxTextArchive.Load(env, ctx));
}
