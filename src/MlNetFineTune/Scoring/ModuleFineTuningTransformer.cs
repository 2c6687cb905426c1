using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// A trained module: adds the columns of its task to data with its input columns. A program that loads one ships the assembly of its
/// factory; one that keeps it elsewhere registers it before: <c>ml.ComponentCatalog.RegisterAssembly(typeof(MyFactory).Assembly)</c>.
/// </summary>
public sealed class ModuleFineTuningTransformer : FineTuningTransformer
{
    // Numbers that enter one forward pass: a few MiB, and at most 256 rows.
    private const int LargestBatch = 256;
    private const int LargestBatchNumbers = 1 << 20;

    private readonly ModuleTask _task;
    private readonly IReadOnlyList<ModuleInput> _inputs;
    private readonly IReadOnlyList<ModuleContext.InputShape> _shapes;
    private readonly LabelKeys? _keys;
    private readonly ModuleManifest _manifest;

    internal ModuleFineTuningTransformer(
        IHostEnvironment env, ModuleNetwork network, ModuleTask task, IReadOnlyList<ModuleInput> inputs,
        IReadOnlyList<ModuleContext.InputShape> shapes,
        LabelKeys? keys, ModuleManifest manifest, TrainingReport? report)
        : base(
            env, nameof(ModuleFineTuningTransformer),
            new NetworkScorer(new SharedNetwork(network), task.Objective(keys, manifest.Calibration), [Augmentation.None]),
            ModuleInputShapes.SourceOf(inputs, shapes), task.Columns(keys), report)
    {
        (_task, _inputs, _shapes) = (task, inputs, shapes);
        _keys = keys;
        _manifest = manifest;
        BatchSize = (int)Math.Clamp(LargestBatchNumbers / shapes.Sum(shape => (long)shape.Size), 1, LargestBatch);
    }

    /// <summary>The class names, in the order of the scores; empty for binary classification and regression.</summary>
    public IReadOnlyList<string> Classes => _keys?.Names ?? [];

    /// <inheritdoc/>
    public override Calibration.Report? Calibration => _manifest.Calibration;

    internal override int BatchSize { get; }

    /// <inheritdoc cref="ImageFineTuningTransformer.WithHalfPrecisionWeights"/>
    public ModuleFineTuningTransformer WithHalfPrecisionWeights()
    {
        ModuleNetwork? copy = null;
        Scorer.Read(network => copy = HalfWeights.Fill(network, ((ModuleNetwork)network).CreateAnother(_manifest.Seed)));
        var manifest = _manifest with { WeightPrecision = WeightPrecision.Float16, ProbeScores = ProbeRow.Score(copy!, _task.Objective(_keys, Calibration), _inputs, _shapes) };
        return new ModuleFineTuningTransformer(Host, copy!, _task, _inputs, _shapes, _keys, manifest, Report);
    }

    private protected override void Save(ModelSaveContext ctx, TrainableNetwork network) => ModuleArchive.Save(Host, ctx, (ModuleNetwork)network, _keys, _manifest);
}
