using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A pretrained text encoder: tokens [N, T] -> features [N, C]. Stages are <c>embeddings</c>, <c>layer0</c> and so on; the last one also
/// pools. Tensor names are those of transformers. Owns its tensors.
/// </summary>
internal sealed class TextEncoder : IDisposable
{
    private readonly TextConfig _config;
    private readonly TextBackbone.TokenPooling _pooling;
    private readonly TokenEmbedding _words;
    private readonly TokenEmbedding? _positions; // null for rotary ones
    private readonly TokenEmbedding? _segments;
    private readonly RelativePositions? _relative; // of the first stage, used by all layers
    private readonly LayerNorm _norm;
    private readonly TextLayer[] _layers;
    private readonly LayerNorm? _finalNorm;
    private readonly Linear? _pooler;
    private readonly (string Name, nn.Module Module, int Stage)[] _modules;

    /// <param name="config">Form of the network.</param>
    /// <param name="pooling">The pooling.</param>
    public TextEncoder(TextConfig config, TextBackbone.TokenPooling pooling)
    {
        (_config, _pooling) = (config, pooling);
        _words = new TokenEmbedding(config.Vocabulary, config.Width);
        _positions = config.Local is null ? new TokenEmbedding(config.Positions, config.Width) : null;
        _segments = config.Segments > 0 ? new TokenEmbedding(config.Segments, config.Width) : null;
        _relative = config.Kind == TextKind.MpNet ? new RelativePositions(config.Heads) : null;
        _norm = new LayerNorm(config.Width, config.Epsilon, hasBias: config.Local is null);
        _layers = config.Local is { } local
            ? PreNormLayers(config, local)
            : [.. Enumerable.Range(0, config.Layers).Select(_ => new PostNormLayer(config, _relative))];
        _finalNorm = config.Local is null ? null : new LayerNorm(config.Width, config.Epsilon, hasBias: false);
        _pooler = pooling == TextBackbone.TokenPooling.Pooler ? new Linear(config.Width, config.Width) : null;
        _modules = [.. Modules()];
        Stages = StagesOf(config);
    }

    public IReadOnlyList<string> Stages { get; }

    /// <summary>Length C of the features.</summary>
    public int Features => _config.Width;

    /// <summary>Low-rank additions to linear layers.</summary>
    public LoraLayers Adapters { get; } = new();

    public static IReadOnlyList<string> StagesOf(TextConfig config) =>
        ["embeddings", .. Enumerable.Range(0, config.Layers).Select(layer => FormattableString.Invariant($"layer{layer}"))];

    public IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters() =>
    [
        .. _modules.SelectMany(one => one.Module.named_parameters().Select(named => ($"{one.Name}.{named.name}", named.parameter))),
        .. Adapters.NamedParameters(),
    ];

    public int StageOf(string tensorName)
    {
        foreach (var (name, _, stage) in _modules)
        {
            if (tensorName.Length > name.Length && tensorName[name.Length] == '.' && tensorName.StartsWith(name, StringComparison.Ordinal))
                return stage;
        }
        throw new InvalidOperationException($"Tensor '{tensorName}' belongs to no stage.");
    }

    public IReadOnlyList<(string Name, IAdaptable Layer)> AdaptableLayers() =>
        [.. _modules.Where(one => one.Module is IAdaptable).Select(one => (one.Name, (IAdaptable)one.Module))];

    public void Adapt(string name, IAdaptable layer, LoraLayer adapter) =>
        Adapters.Add(name, StageOf($"{name}.weight"), folds: false, layer, adapter);

    public void MoveTo(Device device)
    {
        foreach (var (_, module, _) in _modules)
            module.to(device);
        Adapters.MoveTo(device);
    }

    /// <summary>Runs one stage.</summary>
    /// <param name="activations">Token ids [N, T] for the first stage, otherwise hidden vectors [N, T, C]. Not changed.</param>
    /// <param name="inputs">The masks and segments beside the tokens.</param>
    /// <param name="stage">Index of the stage.</param>
    /// <param name="dropout">Dropout of the stage in a training step; null for none.</param>
    /// <returns>
    /// [N, T, C]; from the last stage features [N, C], those of words [N, W, C], or, where answers are sought, again those of tokens. The
    /// caller disposes it.
    /// </returns>
    public Tensor Forward(Tensor activations, ModelInputs inputs, int stage, RowDropout? dropout)
    {
        using var scope = NewDisposeScope();
        var result = Hidden(activations, inputs, stage, dropout);
        return (stage == Stages.Count - 1 ? Dropped(Pool(result, inputs), dropout) : result).MoveToOuterDisposeScope();
    }

    /// <summary>The hidden vectors of a stage, without the pooling of the last one.</summary>
    /// <inheritdoc cref="Forward"/>
    public Tensor Hidden(Tensor activations, ModelInputs inputs, int stage, RowDropout? dropout)
    {
        if (stage == 0)
            return Embed(activations, inputs.Beside.GetValueOrDefault(TextInputNames.Segments), dropout);
        using var scope = NewDisposeScope();
        var padding = inputs.Beside.GetValueOrDefault(TextInputNames.Mask)?.unsqueeze(1).unsqueeze(1); // [N, T] -> [N, 1, 1, T]
        var hidden = _layers[stage - 1].Forward(activations, padding, dropout);
        return (stage == _layers.Length && _finalNorm is not null ? _finalNorm.forward(hidden) : hidden).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// [N, T, C] -> [N, C]; [N, W, C], a vector for each word, if the words are given; unchanged if answers are sought. The caller disposes
    /// the result.
    /// </summary>
    public Tensor Pool(Tensor hidden, ModelInputs inputs)
    {
        if (WordVectors.AreIn(inputs))
            return WordVectors.Of(hidden, inputs);
        if (AnswerLogits.AreIn(inputs))
            return hidden.alias();
        using var scope = NewDisposeScope();
        var pooled = _pooling == TextBackbone.TokenPooling.Mean
            ? Mean(hidden, inputs.Beside.GetValueOrDefault(TextInputNames.Mask))
            : hidden.select(1, 0);
        return (_pooler?.forward(pooled).tanh() ?? pooled.clone()).MoveToOuterDisposeScope();
    }

    /// <summary>The pooled vectors in an exported graph.</summary>
    /// <param name="graph">The graph to which the operators are added.</param>
    /// <param name="tokens">Token ids [N, T], Int64.</param>
    /// <param name="mask">[N, T], Int64: 1 for tokens, 0 for padding.</param>
    /// <param name="segments">[N, T], Int64; null if the network has at most one segment.</param>
    /// <returns>[N, C].</returns>
    public GraphValue Write(NetworkGraph graph, GraphValue tokens, GraphValue mask, GraphValue? segments) =>
        WritePooled(graph, WriteHidden(graph, tokens, mask, segments), mask);

    /// <summary>The hidden vectors of the last stage in an exported graph, [N, T, C].</summary>
    /// <inheritdoc cref="Write"/>
    public GraphValue WriteHidden(NetworkGraph graph, GraphValue tokens, GraphValue mask, GraphValue? segments)
    {
        var hidden = WriteEmbeddings(graph, tokens, segments);
        var padding = WritePadding(graph, mask);
        foreach (var layer in _layers)
            hidden = layer.Write(graph, hidden, padding);
        return _finalNorm?.Write(graph, hidden) ?? hidden;
    }

    public void Dispose()
    {
        foreach (var (_, module, _) in _modules)
            module.Dispose();
        Adapters.Dispose();
    }

    private Tensor Embed(Tensor tokens, Tensor? segments, RowDropout? dropout)
    {
        using var scope = NewDisposeScope();
        var sum = _words.forward(tokens); // [N, T, C]
        if (_positions is not null)
            sum = sum.Add_(_positions.weight.narrow(0, _config.FirstPosition, tokens.shape[1]));
        if (_segments is not null)
            sum = sum.Add_(segments is null || _config.Segments == 1 ? _segments.weight.select(0, 0) : _segments.forward(segments));
        return Dropped(_norm.forward(sum), dropout).MoveToOuterDisposeScope();
    }

    // Two rotations, each with its tables, are shared by the layers.
    private static TextLayer[] PreNormLayers(TextConfig config, LocalAttention local)
    {
        var toAll = new RotaryPositions(config.HeadWidth, local.GlobalTheta, config.MaximumLength, reach: null);
        var toNear = new RotaryPositions(config.HeadWidth, local.LocalTheta, config.MaximumLength, local.Reach);
        return
        [
            .. local.Spans.Select((span, index) => new PreNormLayer(
                config, span == AttentionSpan.Global ? toAll : toNear, hasAttentionNorm: index > 0 || local.HasFirstNorm)),
        ];
    }

    private GraphValue WriteEmbeddings(NetworkGraph graph, GraphValue tokens, GraphValue? segments)
    {
        using var scope = NewDisposeScope();
        var sum = _words.Write(graph, tokens); // [N, T, C]
        if (_positions is not null)
        {
            var positions = graph.Constant(
                "positions", _positions.weight.detach().narrow(0, _config.FirstPosition, _config.MaximumLength)); // [most, C]
            sum = graph.Sum(sum, graph.FirstRows(positions, tokens));
        }
        if (_segments is not null)
        {
            sum = graph.Sum(sum, segments is { } given
                ? _segments.Write(graph, given)
                : graph.Constant("segment", _segments.weight.detach().select(0, 0)));
        }
        return _norm.Write(graph, sum);
    }

    // [N, T] -> [N, 1, 1, T]. A score of -10,000, as BERT's own code has, gives a weight of exactly 0.
    private static GraphValue WritePadding(NetworkGraph graph, GraphValue mask)
    {
        var floats = graph.ToFloats(graph.Unsqueeze(graph.Unsqueeze(mask, 1), 2));
        return graph.Product(graph.Add("Sub", [graph.Scalar("one", 1), floats]), graph.Scalar("never", -10_000));
    }

    private GraphValue WritePooled(NetworkGraph graph, GraphValue hidden, GraphValue mask)
    {
        if (_pooling == TextBackbone.TokenPooling.Mean)
        {
            var weights = graph.ToFloats(mask); // [N, T]
            var sum = graph.Add("MatMul", [graph.Unsqueeze(weights, 1), hidden]); // [N, 1, C]
            var count = graph.Add("ReduceSum", [weights, graph.Constant("axes", 1L)], ("keepdims", 1L)); // [N, 1]
            return graph.Add("Div", [graph.Add("Squeeze", [sum, graph.Constant("axes", 1L)]), count]);
        }
        var first = graph.Slice(hidden, axis: 1, 0, 1); // [N, 1, C]
        var token = graph.Add("Squeeze", [first, graph.Constant("axes", 1L)]);
        return _pooler is null ? token : graph.Add("Tanh", [_pooler.Write(graph, token)]);
    }

    private static Tensor Mean(Tensor hidden, Tensor? mask)
    {
        if (mask is null)
            return hidden.mean([1]);
        var weights = mask.to_type(hidden.dtype).unsqueeze(1); // [N, 1, T]
        return weights.bmm(hidden).squeeze(1).div(weights.sum(dim: 2, keepdim: false)); // [N, C] / [N, 1]
    }

    private Tensor Dropped(Tensor vectors, RowDropout? dropout) =>
        dropout is not null && _config.Dropout > 0
            ? dropout.Apply(vectors, _config.Dropout, site: TextLayer.DropoutSites)
            : vectors;

    private IEnumerable<(string, nn.Module, int)> Modules()
    {
        var naming = TextNaming.Of(_config.Kind);
        yield return (naming.Words, _words, 0);
        if (_positions is not null)
            yield return (TextNaming.Positions, _positions, 0);
        if (_segments is not null)
            yield return (TextNaming.Segments, _segments, 0);
        if (_relative is not null)
            yield return (TextNaming.RelativePositions, _relative.Bias, 0);
        yield return (naming.Norm, _norm, 0);
        foreach (var (index, layer) in _layers.Index())
        {
            foreach (var (name, module) in layer.Modules(index))
                yield return (name, module, index + 1);
        }
        if (_finalNorm is not null)
            yield return (TextNaming.FinalNorm, _finalNorm, _layers.Length);
        if (_pooler is not null)
            yield return (TextNaming.Pooler, _pooler, _layers.Length);
    }
}
