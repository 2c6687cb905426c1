using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune;
using MlNetFineTune.Scoring;
using MlNetFineTune.Transforms;

// ML.NET finds the loader by the signature in the zip and loads this assembly by its name: no registration is required.
[assembly: LoadableClass(
    typeof(ImageExplainingTransformer), typeof(ImageExplainingTransformerLoader), null, typeof(SignatureLoadModel),
    "Explanations of a fine-tuned network", ExplanationArchive.LoaderSignature)]

namespace MlNetFineTune.Transforms;

/// <summary>
/// An explaining transformer in ML.NET's zip: <c>manifest.json</c> (<see cref="ExplanationManifest"/>) and its hash. The zip contains the
/// explained model once: if it precedes this transformer in the same chain, the manifest has its folder; otherwise it is in the folder
/// <c>Model</c> of this entry.
/// </summary>
internal static class ExplanationArchive
{
    public const string LoaderSignature = "MlNetFineTuneExplain";

    private const string ModelFolder = "Model";

    public static VersionInfo Version { get; } = ModelArchive.VersionOf("MNFTEXPL", LoaderSignature);

    public static void Save(IHostEnvironment env, ModelSaveContext ctx, ImageExplainingTransformer transformer)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        var folder = ArchivedModels.FolderOf(ctx.Repository, transformer.Explainer.Network);
        if (folder is null)
            ctx.SaveModel(new Model(transformer), ModelFolder);
        ArchiveFiles.SaveManifest(ctx, transformer.Describe() with { Model = folder });
    }

    public static ImageExplainingTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        try
        {
            return LoadChecked(env, ctx);
        }
        catch
        {
            ArchivedModels.DisposeAll(ctx.Repository);
            throw;
        }
    }

    private static ImageExplainingTransformer LoadChecked(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        var manifest = ArchiveFiles.LoadManifest<ExplanationManifest>(ctx, ExplanationManifest.CurrentVersion);
        if (manifest.Model is { } folder)
        {
            return Create(env, manifest, ArchivedModels.In(ctx.Repository, folder) ?? throw ArchiveFiles.Damaged(
                $"its {ArchiveFiles.ManifestStream} explains the model in {SafeText.Quoted(folder)}, "
                + "and there is none before it in the chain"));
        }
        ctx.LoadModel<FineTuningTransformer, SignatureLoadModel>(env, out var own, ModelFolder);
        using (own) // others that share the network keep it alive
            return Create(env, manifest, own);
    }

    private static ImageExplainingTransformer Create(IHostEnvironment env, ExplanationManifest manifest, FineTuningTransformer model)
    {
        try
        {
            if (string.IsNullOrWhiteSpace(manifest.OutputColumn) || manifest.MapColumn == manifest.OutputColumn)
                throw new ArgumentException("its columns have no names, or the same");
            if (manifest.Input.Create().Form != model.Inputs.Form)
                throw new ArgumentException("its pictures enter another network than the model's");
            var explanation = manifest.Method.Create() with
            {
                Class = manifest.Class,
                Head = manifest.Head,
                Strength = manifest.Strength,
            };
            return new ImageExplainingTransformer(
                env, model, manifest.Input, explanation, manifest.OutputColumn, manifest.MapColumn);
        }
        catch (ArgumentException e)
        {
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} makes no sense: {SafeText.Message(e)}");
        }
    }

    // ML.NET saves objects that implement saving; the transformer itself is already saved.
    private sealed class Model(ImageExplainingTransformer transformer) : ICanSaveModel
    {
        public void Save(ModelSaveContext ctx) => transformer.SaveModel(ctx);
    }
}

// ML.NET finds it by reflection.
internal static class ImageExplainingTransformerLoader
{
    private static ImageExplainingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => ExplanationArchive.Load(env, ctx));
}
