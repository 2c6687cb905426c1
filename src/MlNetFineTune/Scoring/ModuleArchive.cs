using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;

[assembly: LoadableClass(typeof(ModuleFineTuningTransformer), typeof(ModuleFineTuningTransformerLoader), null, typeof(SignatureLoadModel), "Trained module", ModuleArchive.LoaderSignature)]

namespace MlNetFineTune.Scoring;

/// <summary>
/// A trained module in ML.NET's zip, format version 1: <c>Model.key</c> (bool whether there are classes, then as in <see cref="ModelArchive"/>),
/// <c>weights.safetensors</c>, <c>manifest.json</c> (<see cref="ModuleManifest"/>). The code of the module is not there: its factory makes it.
/// </summary>
internal static class ModuleArchive
{
    public const string LoaderSignature = "MlNetFineTuneModule";

    private static VersionInfo Version { get; } = new(
        modelSignature: "MNFTMODL",
        verWrittenCur: ArchiveFiles.WrittenVersion,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: LoaderSignature,
        loaderAssemblyName: typeof(ModuleArchive).Assembly.GetName().Name);

    public static void Save(IHostEnvironment env, ModelSaveContext ctx, ModuleNetwork network, LabelKeys? keys, ModuleManifest manifest)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(Version);
        ctx.Writer.Write(keys is not null);
        keys?.Save(env, ctx.Writer);
        ArchiveFiles.SaveManifest(ctx, manifest with { WeightsSha256 = ArchiveFiles.SaveWeights(ctx, network, manifest.WeightPrecision) });
    }

    public static ModuleFineTuningTransformer Load(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        var keys = ctx.Reader.ReadBoolean() ? LabelKeys.Load(env, ctx.Reader) : null;
        var manifest = ArchiveFiles.LoadManifest<ModuleManifest>(ctx, ModuleManifest.CurrentVersion);
        var (task, inputs, shapes) = Read(manifest, keys);
        var objective = task.Objective(keys, manifest.Calibration);
        if (manifest.ProbeScores.Count != objective.ScoreLength)
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} has {manifest.ProbeScores.Count} probe scores for {objective.ScoreLength} outputs");

        using var channel = env.Start("Loading a trained module");
        var device = Devices.Choose(env, channel);
        var network = ModuleNetwork.Create(manifest.Module.Find(env), manifest.Module.Name, inputs, new ModuleContext(shapes, objective.Outputs), manifest.Seed);
        try
        {
            ArchiveFiles.LoadWeights(ctx, network, manifest.WeightsSha256);
            network.MoveTo(device);
            network.PrepareForScoring();
            Probe.Check(
                channel, "row", shapes.Sum(shape => shape.Size), count => ProbeRow.Score(network, objective, inputs, shapes, count), manifest.ProbeScores, manifest.OnProbeMismatch, manifest.OnProbeMismatch);
            return new ModuleFineTuningTransformer(env, network, task, inputs, shapes, keys, manifest, report: null);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static (ModuleTask, IReadOnlyList<ModuleInput>, IReadOnlyList<ModuleInputShape>) Read(ModuleManifest manifest, LabelKeys? keys)
    {
        try
        {
            var task = manifest.Task.ToTask();
            if (task is MulticlassTask != keys is not null)
                throw ArchiveFiles.Damaged($"its task is {manifest.Task.Kind}, {(keys is null ? "without" : "with")} classes");
            if (keys is not null)
                ArchiveFiles.CheckClasses(keys, manifest.Classes, manifest.ProbeScores);
            ArchiveFiles.CheckCalibration(manifest.Calibration, task.ClassNames(keys) ?? []);
            return manifest.Inputs.Count > 0 && manifest.Inputs.All(input => input is not null)
                ? (task, [.. manifest.Inputs.Select(input => input.ToInput())], [.. manifest.Inputs.Select(input => input.ToShape())])
                : throw ArchiveFiles.Damaged("it has no inputs");
        }
        catch (ArgumentException e)
        {
            throw ArchiveFiles.Damaged($"its {ArchiveFiles.ManifestStream} makes no sense: {SafeText.Message(e)}");
        }
    }
}

/// <summary>ML.NET calls <c>Create</c> by reflection.</summary>
internal static class ModuleFineTuningTransformerLoader
{
    private static ModuleFineTuningTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        LoadingLog.Explain(env, () => ModuleArchive.Load(env, ctx));
}
