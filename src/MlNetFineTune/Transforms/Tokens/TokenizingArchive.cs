using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Scoring;
using MlNetFineTune.Transforms;

// ML.NET finds the loader by the signature in the zip and loads this assembly by its name: no registration is required.
[assembly: LoadableClass(
    typeof(TextTokenizingTransformer), typeof(TextTokenizingLoader), null, typeof(SignatureLoadModel), "Tokens of texts",
    TokenizingArchive.LoaderSignature)]

namespace MlNetFineTune.Transforms;

/// <summary>The manifest of a tokenizer's entry, as JSON. Format version 1.</summary>
internal sealed record TokenizingManifest
{
    public const int CurrentVersion = 1;

    public required int FormatVersion { get; init; }

    /// <summary>The columns and the tokenizer, whose vocabulary is an entry of its own.</summary>
    public required TextInputManifest Input { get; init; }

    public required TokenizedColumnNames Columns { get; init; }
}

/// <summary>
/// A tokenizer in ML.NET's zip: <c>vocabulary.txt</c>, <c>manifest.json</c> (<see cref="TokenizingManifest"/>) and its hash.
/// </summary>
internal static class TokenizingArchive
{
    public const string LoaderSignature = "MlNetFineTuneTokenize";

    public static VersionInfo Version { get; } = ModelArchive.VersionOf("MNFTTOKE", LoaderSignature);

    public static void Save(ModelSaveContext ctx, TextTokenizingTransformer transformer)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        var manifest = transformer.Describe();
        ModelArchive.SaveVocabulary(ctx, manifest.Input);
        ArchiveFiles.SaveManifest(ctx, manifest);
    }

    public static TextTokenizingTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        var manifest = ArchiveFiles.LoadManifest<TokenizingManifest>(ctx, TokenizingManifest.CurrentVersion);
        var input = ModelArchive.LoadVocabulary(ctx, manifest.Input);
        try
        {
            manifest.Columns.Check();
            return new TextTokenizingTransformer(env, (TextInput)input.Create(), manifest.Columns);
        }
        catch (ArgumentException e)
        {
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} makes no sense: {SafeText.Message(e)}");
        }
    }
}

// ML.NET finds it by reflection.
internal static class TextTokenizingLoader
{
    private static TextTokenizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => TokenizingArchive.Load(env, ctx));
}
