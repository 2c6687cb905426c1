using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// Text encoder and head: outputs [N, outputs], those of words [N, W, outputs], or of answers (<see cref="AnswerLogits"/>). Owns both.
/// </summary>
internal sealed class TextNetwork(TextBackbone definition, TextEncoder encoder, NetworkHead head) : FineTunedNetwork
{
    private int _firstTrained = int.MaxValue;

    public TextBackbone Text { get; } = definition;

    public TextEncoder Encoder { get; } = encoder;

    public NetworkHead Head { get; } = head;

    public override LinearHead? LinearHead => Head as LinearHead;

    public override string Name => Text.Name;

    public override string Description => Text.ToString();

    public override string Computation => CanonicalJson.Of(Form);

    public override object Fingerprint => Form;

    public override IReadOnlyList<string> Stages => Encoder.Stages;

    public override bool RunsInStages => true;

    public override LoraLayers Adapters => Encoder.Adapters;

    public override IReadOnlyDictionary<string, string> Metadata => new Dictionary<string, string> { ["format"] = "pt" };

    /// <summary>Creates the network with its initial weights and a new head.</summary>
    /// <param name="definition">The encoder and its weights.</param>
    /// <param name="createHead">From the number of features.</param>
    /// <param name="seed">Seed of random weights.</param>
    /// <param name="log">Receives how the weights were found in their file.</param>
    public static TextNetwork Create(TextBackbone definition, Func<int, NetworkHead> createHead, long seed, Action<string>? log = null)
    {
        var network = WithHead(definition, definition.CreateEncoder(seed, log), createHead);
        network.Head.Initialize(seed);
        return network;
    }

    /// <summary>Creates the network without values, to be filled from a weight file.</summary>
    public static TextNetwork CreateEmpty(TextBackbone definition, Func<int, NetworkHead> createHead) =>
        WithHead(definition, definition.CreateEmptyEncoder(), createHead);

    /// <summary>Frozen prefixes are cached only as pooled features: hidden vectors of texts differ in length.</summary>
    public override bool RunsAlone(int stages) => stages == Stages.Count;

    public override NetworkManifest Describe() => TextNetworkManifest.Of(Text);

    public override FineTunedNetwork CreateAlike(Func<int, NetworkHead> createHead) => CreateEmpty(Text, createHead);

    public override int StageOf(string tensorName) =>
        tensorName.StartsWith(TextNaming.Classifier + ".", StringComparison.Ordinal) ? Stages.Count : Encoder.StageOf(tensorName);

    public override IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters() =>
    [
        .. Encoder.NamedParameters(),
        .. Head.named_parameters().Select(named => ($"{TextNaming.Classifier}.{named.name}", named.parameter)),
    ];

    public override IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors() =>
        [.. NamedParameters().Select(named => (named.Name, (Tensor)named.Parameter))];

    public override IReadOnlyList<(string Name, IAdaptable Layer)> AdaptableLayers() => Encoder.AdaptableLayers();

    public override void Adapt(string name, IAdaptable layer, LoraLayer adapter) => Encoder.Adapt(name, layer, adapter);

    public override void Freeze(int frozenStages)
    {
        Head.eval();
        Adapters.Merge(frozenStages);
        _firstTrained = int.MaxValue;
    }

    public override void BeginTraining(int frozenStages, BatchNormMode batchNorm = BatchNormMode.Train)
    {
        Head.train();
        _firstTrained = frozenStages;
    }

    public override void PrepareForScoring() => Freeze(Stages.Count);

    public override Tensor ForwardFirst(ModelInputs inputs, int stages) => Infer(inputs, 0, stages);

    public override Tensor ForwardRest(ModelInputs inputs, int first)
    {
        using var features = Infer(inputs, first, Stages.Count);
        return Outputs(features, inputs);
    }

    public override Tensor ForwardMaps(ModelInputs inputs, int stage)
    {
        using var before = Infer(inputs, 0, stage);
        return InPrecision(() => Encoder.Hidden(before, inputs, stage, dropout: null));
    }

    public override Tensor ForwardFromMaps(ModelInputs inputs, int stage)
    {
        if (stage < Stages.Count - 1)
            return ForwardRest(inputs, stage + 1);
        using var features = Encoder.Pool(inputs.Activations, inputs);
        return Outputs(features, inputs);
    }

    public override Tensor ForwardInTraining(ModelInputs inputs, int first, long seed, int step)
    {
        using var features = Run(inputs, first, Stages.Count, (activations, stage) => RunStage(activations, stage, inputs, seed, step));
        return Outputs(features, inputs);
    }

    public override Tensor ForwardStageInTraining(ModelInputs inputs, int stage, long seed, int step) =>
        InPrecision(() => RunStage(inputs.Activations, stage, inputs, seed, step));

    /// <summary>Beside the tokens are the mask and, for networks with several segments, the segments.</summary>
    public override GraphNetwork Write(NetworkGraph graph, GraphInputs inputs)
    {
        var features = Encoder.Write(
            graph, inputs.Activations, inputs.Beside[0], inputs.Beside.Count > 1 ? inputs.Beside[1] : null); // [N, C]
        return new GraphNetwork(Head.Write(graph, features), features);
    }

    /// <summary>
    /// Without the pooling, which depends on the task (words, answers) and is computed by <see cref="TextEncoder.Pool"/>.
    /// </summary>
    /// <inheritdoc/>
    public override StageGraph WriteFirst(int stages)
    {
        if (!RunsAlone(stages))
            throw new NotSupportedException($"The first {stages} of {Stages.Count} stages of {Name} do not run by themselves.");
        var graph = new NetworkGraph();
        var (tokens, mask) = (AddTokens(TextInputNames.Tokens), AddTokens(TextInputNames.Mask));
        GraphValue? segments = HasSegments ? AddTokens(TextInputNames.Segments) : null;
        return new StageGraph(graph, Encoder.WriteHidden(graph, tokens, mask, segments), Enter, Encoder.Pool);

        GraphValue AddTokens(string name) => graph.AddInput(name, [GraphInput.Steps], GraphElement.Int64);
    }

    public override void Dispose()
    {
        Encoder.Dispose();
        Head.Dispose();
    }

    protected override void Move(Device device)
    {
        Encoder.MoveTo(device);
        Head.to(device);
    }

    // The name is that of a folder, which may be renamed or be a commit of the cache.
    private TextNetworkManifest Form => TextNetworkManifest.Of(Text) with { Name = "", SourceWeights = null };

    private bool HasSegments => Text.Config.Segments > 1;

    private static TextNetwork WithHead(TextBackbone definition, TextEncoder encoder, Func<int, NetworkHead> createHead)
    {
        try
        {
            return new TextNetwork(definition, encoder, createHead(encoder.Features));
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    // A batch has a mask only if it has padding, and segments only for pairs of texts.
    private Tensor[] Enter(ModelInputs inputs)
    {
        var tokens = inputs.Activations;
        var mask = inputs.Beside.GetValueOrDefault(TextInputNames.Mask)?.to_type(ScalarType.Int64) ?? ones_like(tokens);
        if (!HasSegments)
            return [tokens, mask];
        return [tokens, mask, inputs.Beside.GetValueOrDefault(TextInputNames.Segments) ?? zeros_like(tokens)];
    }

    private Tensor Outputs(Tensor features, ModelInputs inputs)
    {
        var outputs = Head.forward(features);
        var (areWords, areAnswers) = (WordVectors.AreIn(inputs), AnswerLogits.AreIn(inputs));
        if (!areWords && !areAnswers)
            return outputs;
        using (outputs)
            return areWords ? WordVectors.MarkMissing(outputs, inputs) : AnswerLogits.Of(outputs, inputs);
    }

    private Tensor Infer(ModelInputs inputs, int first, int end) =>
        Run(inputs, first, end, (activations, stage) => Encoder.Forward(activations, inputs, stage, dropout: null));

    // In each stage dropout has its own numbers, so that a stage can be computed again.
    private Tensor RunStage(Tensor activations, int stage, ModelInputs inputs, long seed, int step)
    {
        if (stage < _firstTrained)
            return Encoder.Forward(activations, inputs, stage, dropout: null);
        Adapters.BeginStep(seed, step, inputs.TrainingRows, Processes.Rank);
        try
        {
            var dropout = Text.Config is { Dropout: 0, AttentionDropout: 0 } ? null
                : new RowDropout(seed, RandomStream.TextDropout, stage, step, inputs.TrainingRows, Processes.Rank);
            // What libtorch fuses on a GPU draws from its own generator.
            return Text.Config.AttentionDropout == 0 || RowDropout.DrawsByRow(activations.device)
                ? Run()
                : SeededTorch.Run(seed, RandomStream.TextDropout, step, Run, part: stage, Processes.Rank);

            Tensor Run() => Encoder.Forward(activations, inputs, stage, dropout);
        }
        finally
        {
            Adapters.BeginStep(seed, step: null);
        }
    }

    // Runs the stages from first to end, excluding end.
    private Tensor Run(ModelInputs inputs, int first, int end, Func<Tensor, int, Tensor> runStage) => InPrecision(() =>
    {
        var current = inputs.Activations.alias();
        for (var stage = first; stage < end; stage++)
        {
            var next = runStage(current, stage);
            current.Dispose();
            current = next;
        }
        return current;
    });
}
