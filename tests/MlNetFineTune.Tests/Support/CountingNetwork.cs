using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Tests.Support;

/// <summary>Counts the rows that go through the stages of a network, for itself and apart from what the library reports.</summary>
internal sealed class CountingNetwork(FineTunedNetwork inner) : FineTunedNetwork
{
    private readonly long[] _rows = new long[inner.Stages.Count];

    /// <summary>Rows that went through each stage.</summary>
    public IReadOnlyList<long> RowsThroughStage => _rows;

    public override string Name => inner.Name;

    public override string Description => inner.Description;

    public override string Computation => inner.Computation;

    public override IReadOnlyList<string> Stages => inner.Stages;

    public override bool RunsAlone(int stages) => inner.RunsAlone(stages);

    public override bool GivesFeatures => inner.GivesFeatures;

    public override object Fingerprint => inner.Fingerprint;

    public override NetworkManifest Describe() => inner.Describe();

    public override FineTunedNetwork CreateAlike(Func<int, NetworkHead> createHead) => inner.CreateAlike(createHead);

    public override int StageOf(string tensorName) => inner.StageOf(tensorName);

    public override IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters() => inner.NamedParameters();

    public override IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors() => inner.NamedTensors();

    public override void Freeze(int frozenStages) => inner.Freeze(frozenStages);

    public override void BeginTraining(int frozenStages, BatchNormMode batchNorm) => inner.BeginTraining(frozenStages, batchNorm);

    public override void PrepareForScoring() => inner.PrepareForScoring();

    public override Tensor ForwardFirst(ModelInputs input, int stages)
    {
        Count(input, 0, stages);
        return inner.ForwardFirst(input, stages);
    }

    public override Tensor ForwardRest(ModelInputs input, int first)
    {
        Count(input, first, _rows.Length);
        return inner.ForwardRest(input, first);
    }

    public override void Dispose() => inner.Dispose();

    /// <summary>The library's own loop around it, on small pictures.</summary>
    /// <param name="photos">Of <see cref="SmallPictures.Classes"/>.</param>
    /// <param name="options">As for a whole training.</param>
    /// <param name="plan">Null takes the strategy's.</param>
    /// <param name="teacher">Stays the caller's. Null where there is none.</param>
    public static (CountingNetwork Network, TrainingReport Report) Train(
        IEnumerable<Photo> photos, ImageFineTuningOptions options, PlanRules? plan = null, Teacher? teacher = null)
    {
        var ml = new MLContext();
        using var fit = new FitScope(ml, "test", "test", options.Seed);
        var view = SmallTraining.WithKeys(ml, SmallPictures.View(ml, photos));
        var keys = LabelKeys.Of(view.Schema["Label"]);
        using var network = new CountingNetwork(ImageNetwork.Create(options.Backbone, keys.Count, fit.Seed));
        using var data = TrainingData.Read(
            fit.Host, fit.Channel, view, options, new ImageInput(options.ImageColumn, new ImageEncoder(options.Backbone.Preprocessing)),
            new ClassLabels("Label", keys), fit.Seed);
        plan ??= options.Strategy.Resolve(network.Name, network.Stages, options.Epochs);
        var objective = new MulticlassObjective(keys.Count, softTargets: options.Distillation.Loss);
        using var session = new TrainingSession(Trained.Run(network, objective, plan, data, options, fit, teacher));
        return (network, session.Run());
    }

    protected override void Move(Device device) => inner.MoveTo(device);

    private void Count(ModelInputs input, int first, int end)
    {
        for (var stage = first; stage < end; stage++)
            _rows[stage] += input.Rows;
    }
}
