using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>Backbone and head: the whole network that is trained, saved and scored. Owns both.</summary>
internal sealed class ImageNetwork(Backbone definition, BackboneNetwork backbone, ImageHead head) : FineTunedNetwork
{
    private bool _sharesStatistics; // looked up once an epoch: the tree of modules is slow to walk

    public override Backbone Definition { get; } = definition;

    public BackboneNetwork Backbone { get; } = backbone;

    /// <summary>The head of the task.</summary>
    public NetworkHead Head => head.Outputs;

    public override LinearHead? LinearHead => Head as LinearHead;

    /// <summary>The layers of a table beside the picture: they belong to the head. Null where there is none.</summary>
    public TableBranch? Table => head.Table;

    /// <summary>The head's own pooling of maps or tokens. Null where the backbone pools.</summary>
    public AttentionPool? Pool => head.Pool;

    public override string Name => Definition.Name;

    public override string Description => Definition.ToString();

    // Of the stages: what they give is kept, whatever the head.
    public override string Computation => CanonicalJson.Of(Form) + (Pool is null ? "" : " maps")
        + string.Concat(Definition.Changes.Select(change => change.Replacement?.Factory.GetType().Module.ModuleVersionId));

    public override object Fingerprint => Table is null ? Form : new FusedFingerprint(Form, Table.Form);

    public override IReadOnlyList<string> Stages { get; } = [.. backbone.Stages.Select(stage => stage.Name)];

    public override IReadOnlySet<int> FreshStages =>
        Definition.Changes.Where(change => change.IsFresh).Select(change => Stages.ToList().IndexOf(change.Stage)).ToHashSet();

    public override IReadOnlySet<int> ChangedStages => Definition.Changes.Select(change => Stages.ToList().IndexOf(change.Stage))
        .ToHashSet();

    public override IReadOnlyList<(string Name, IAdaptable Layer)> AdaptableLayers() => Backbone.AdaptableLayers();

    public override LoraLayers Adapters => Backbone.Adapters;

    public override void Adapt(string name, IAdaptable layer, LoraLayer adapter) => Backbone.Adapt(name, layer, adapter);

    public override bool RunsInStages => Definition.Script is null;

    public override bool RunsAlone(int stages) => Backbone.RunsAlone(stages);

    public override IReadOnlyDictionary<string, string> Metadata => Definition.Recipe.ToMetadata();

    /// <summary>Pretrained (or random) backbone, new head.</summary>
    /// <param name="definition">The backbone, weights chosen.</param>
    /// <param name="createHead">From the number of features.</param>
    /// <param name="seed">Decides random weights.</param>
    /// <param name="log">Told how the weights were found in their file.</param>
    /// <param name="table">The table beside the picture; null where there is none.</param>
    public static ImageNetwork Create(
        Backbone definition, Func<int, NetworkHead> createHead, long seed, Action<string>? log = null, TableForm? table = null)
    {
        var network = WithHead(definition, definition.CreateNetwork(seed, log), createHead, table);
        network.InitializeHead(seed);
        return network;
    }

    /// <summary>The same with a linear head.</summary>
    public static ImageNetwork Create(Backbone definition, int outputs, long seed, Action<string>? log = null) =>
        Create(definition, features => new LinearHead(features, outputs), seed, log);

    /// <summary>Uninitialised: to be filled by a weight file.</summary>
    public static ImageNetwork CreateEmpty(Backbone definition, Func<int, NetworkHead> createHead, TableForm? table = null) =>
        WithHead(definition, definition.CreateEmptyNetwork(), createHead, table);

    /// <summary>The same with a linear head.</summary>
    public static ImageNetwork CreateEmpty(Backbone definition, int outputs) =>
        CreateEmpty(definition, features => new LinearHead(features, outputs));

    private static ImageNetwork WithHead(
        Backbone definition, BackboneNetwork backbone, Func<int, NetworkHead> createHead, TableForm? table)
    {
        try
        {
            return new ImageNetwork(definition, backbone, ImageHead.Create(definition, backbone, createHead, table));
        }
        catch
        {
            backbone.Dispose();
            throw;
        }
    }

    public override NetworkManifest Describe() => BackboneManifest.Of(Definition) with { Table = Table?.Form.Describe() };

    public override FineTunedNetwork CreateAlike(Func<int, NetworkHead> createHead) =>
        CreateEmpty(Definition, createHead, Table?.Form);

    /// <summary>Every tensor under the name the original network gives it, so that other tools find them.</summary>
    public override IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors() => [.. Backbone.NamedTensors(), .. head.NamedTensors()];

    public override IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters() =>
        [.. Backbone.NamedParameters(), .. head.NamedParameters()];

    public override int StageOf(string tensorName) => head.Owns(tensorName) ? Stages.Count : Backbone.StageOf(tensorName);

    public override bool Decays(string name, Tensor parameter) =>
        StageOf(name) == Stages.Count ? base.Decays(name, parameter) : Backbone.Decays(name, parameter);

    public override bool HasPretrainedStatistics => !Definition.IsFromScratch && Definition.Script is null
        && !Definition.Changes.Any(change => change.IsFresh);

    /// <summary>
    /// BatchNorm and adapters are folded into the layers of what is frozen. Not every norm can be: DenseNet's come before their
    /// convolutions, a user's layers and programs are theirs.
    /// </summary>
    public override void Freeze(int frozenStages)
    {
        Backbone.eval();
        head.Infer();
        Backbone.Fold(frozenStages);
    }

    public override void BeginTraining(int frozenStages, BatchNormMode batchNorm = BatchNormMode.Train)
    {
        Backbone.SetTraining(frozenStages, batchNorm);
        _sharesStatistics = Backbone.SharesStatistics();
        if (Processes.IsSeveral)
            RefuseForeignNorm(Backbone.ForeignNorm(), "Freeze the part of the network that it belongs to");
    }

    /// <summary>Everything folded, in inference mode.</summary>
    public override void PrepareForScoring() => Freeze(Backbone.Stages.Count);

    public override Tensor ForwardFirst(ModelInputs inputs, int stages) => Run(inputs.Activations, 0, stages);

    public override Tensor ForwardRest(ModelInputs inputs, int first)
    {
        using var features = Run(inputs.Activations, first, Stages.Count);
        return head.Forward(features, inputs.Beside);
    }

    public override Tensor ForwardMaps(ModelInputs inputs, int stage)
    {
        using var before = Run(inputs.Activations, 0, stage);
        return InPrecision(() => Backbone.Stages[stage].Maps.Forward(before));
    }

    public override Tensor ForwardFromMaps(ModelInputs inputs, int stage)
    {
        using var pooled = Backbone.Stages[stage].Pool?.Forward(inputs.Activations) ?? inputs.Activations.alias();
        using var features = Run(pooled, stage + 1, Stages.Count);
        return head.Forward(features, inputs.Beside);
    }

    public override Tensor? PoolingWeights(ModelInputs inputs)
    {
        if (Pool is null)
            return null;
        using var maps = Run(inputs.Activations, 0, Stages.Count);
        return Pool.Weights(maps);
    }

    public override IReadOnlyList<bool> HasAttention => [.. Backbone.Stages.Select(stage => stage.Attention is not null)];

    public override Backbone.TokenPooling? Pooling => Backbone.Pooling;

    public override IReadOnlyList<Tensor> AttentionWeights(ModelInputs inputs) => Backbone.AttentionWeights(inputs.Activations);

    /// <summary>A program, and layers of a user's, draw for their dropout from torch's own generator, each stage its own numbers;
    /// adapters draw counted numbers, and our networks nothing.</summary>
    public override Tensor ForwardInTraining(ModelInputs inputs, int first, long seed, int step)
    {
        if (Definition.Script is not null)
            return SeededTorch.Run(seed, RandomStream.ModuleSteps, step, () => ForwardRest(inputs, first), rank: Processes.Rank);
        using var features = InPrecision(() =>
        {
            var current = inputs.Activations.alias();
            for (var stage = first; stage < Stages.Count; stage++)
            {
                var next = RunStage(inputs.With(current), stage, seed, step);
                current.Dispose();
                current = next;
            }
            return current;
        });
        return head.Forward(features, inputs.Beside);
    }

    /// <summary>A user's layers get a copy: they may change what they are given.</summary>
    public override Tensor ForwardStageInTraining(ModelInputs inputs, int stage, long seed, int step)
    {
        if (!IsReplaced(stage))
            return InPrecision(() => RunStage(inputs, stage, seed, step));
        using var copy = inputs.Activations.clone();
        return InPrecision(() => RunStage(inputs.With(copy), stage, seed, step));
    }

    public override Tensor FeaturesOf(Tensor activations) => Pool?.forward(activations) ?? base.FeaturesOf(activations);

    public override GraphNetwork Write(NetworkGraph graph, GraphInputs inputs) =>
        head.Write(graph, Backbone.Write(graph, inputs.Activations, Stages.Count), inputs.Beside);

    public override StageGraph WriteFirst(int stages)
    {
        var size = Definition.Preprocessing.Size;
        var graph = new NetworkGraph(size);
        var pixels = graph.AddInput("pixels", [Definition.InputChannels, size, size]); // normalised
        return new StageGraph(graph, Backbone.Write(graph, pixels, stages), Enter, Leave);

        static Tensor[] Enter(ModelInputs inputs) => [inputs.Activations.contiguous()]; // from channels-last

        static Tensor Leave(Tensor activations, ModelInputs inputs) =>
            activations.ndim == 4 ? ChannelsLast.Of(activations) : activations.alias();
    }

    public override void Dispose()
    {
        Backbone.Dispose();
        head.Dispose();
    }

    public override bool NeedsAllProcesses => _sharesStatistics;

    protected override void ShareStatistics() => Backbone.ShareStatistics(Statistics);

    protected override void Move(Device device)
    {
        Backbone.MoveTo(device);
        head.MoveTo(device);
    }

    private Tensor Run(Tensor activations, int first, int end) => InPrecision(() => Backbone.Forward(activations, first, end));

    private void InitializeHead(long seed) => head.Initialize(seed);

    private Tensor RunStage(ModelInputs inputs, int stage, long seed, int step)
    {
        Backbone.Adapters.BeginStep(seed, step, inputs.TrainingRows, Processes.Rank);
        Statistics?.Begin(inputs.TrainingRows);
        try
        {
            return IsReplaced(stage)
                ? SeededTorch.Run(seed, RandomStream.ModuleSteps, step, Run, part: stage, Processes.Rank)
                : Run();
        }
        finally
        {
            Backbone.Adapters.BeginStep(seed, step: null);
        }

        Tensor Run() => Backbone.Forward(inputs.Activations, stage, stage + 1);
    }

    private bool IsReplaced(int stage) => Definition.Changes.Any(change => change.Replacement is not null && change.Stage == Stages[stage]);

    private BackboneManifest Form => BackboneManifest.Of(Definition) with { SourceWeights = null };
}

/// <summary>All that decides what a network with a table trains, but for its weights.</summary>
internal sealed record FusedFingerprint(BackboneManifest Backbone, TableForm Table);
