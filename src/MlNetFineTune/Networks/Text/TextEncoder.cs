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
    private readonly TokenEmbedding _positions;
    private readonly TokenEmbedding? _segments;
    private readonly LayerNorm _norm;
    private readonly TextLayer[] _layers;
    private readonly Linear? _pooler;
    private readonly (string Name, nn.Module Module, int Stage)[] _modules;

    /// <param name="config">Form of the network.</param>
    /// <param name="pooling">The pooling.</param>
    public TextEncoder(TextConfig config, TextBackbone.TokenPooling pooling)
    {
        (_config, _pooling) = (config, pooling);
        _words = new TokenEmbedding(config.Vocabulary, config.Width);
        _positions = new TokenEmbedding(config.Positions, config.Width);
        _segments = config.Segments > 0 ? new TokenEmbedding(config.Segments, config.Width) : null;
        _norm = new LayerNorm(config.Width, config.Epsilon);
        _layers = [.. Enumerable.Range(0, config.Layers).Select(_ => new TextLayer(config))];
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
    /// <param name="drops">Whether dropout is active.</param>
    /// <returns>
    /// [N, T, C]; from the last stage features [N, C], those of words [N, W, C], or, where answers are sought, again those of tokens. The
    /// caller disposes it.
    /// </returns>
    public Tensor Forward(Tensor activations, ModelInputs inputs, int stage, bool drops)
    {
        using var scope = NewDisposeScope();
        var result = Hidden(activations, inputs, stage, drops);
        return (stage == Stages.Count - 1 ? Dropped(Pool(result, inputs), drops) : result).MoveToOuterDisposeScope();
    }

    /// <summary>The hidden vectors of a stage, without the pooling of the last one.</summary>
    /// <inheritdoc cref="Forward"/>
    public Tensor Hidden(Tensor activations, ModelInputs inputs, int stage, bool drops)
    {
        if (stage == 0)
            return Embed(activations, inputs.Beside.GetValueOrDefault(TextInputNames.Segments), drops);
        using var scope = NewDisposeScope();
        var mask = inputs.Beside.GetValueOrDefault(TextInputNames.Mask)?.unsqueeze(1).unsqueeze(1); // [N, T] -> [N, 1, 1, T]
        return _layers[stage - 1].Forward(activations, mask, drops).MoveToOuterDisposeScope();
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

    public void Dispose()
    {
        foreach (var (_, module, _) in _modules)
            module.Dispose();
        Adapters.Dispose();
    }

    private Tensor Embed(Tensor tokens, Tensor? segments, bool drops)
    {
        using var scope = NewDisposeScope();
        var positions = _positions.weight.narrow(0, _config.FirstPosition, tokens.shape[1]); // [T, C]
        var sum = _words.forward(tokens).Add(positions); // [N, T, C]
        if (_segments is not null)
            sum = sum.Add_(segments is null || _config.Segments == 1 ? _segments.weight.select(0, 0) : _segments.forward(segments));
        return Dropped(_norm.forward(sum), drops).MoveToOuterDisposeScope();
    }

    private static Tensor Mean(Tensor hidden, Tensor? mask)
    {
        if (mask is null)
            return hidden.mean([1]);
        var weights = mask.to_type(hidden.dtype).unsqueeze(1); // [N, 1, T]
        return weights.bmm(hidden).squeeze(1).div(weights.sum(dim: 2, keepdim: false)); // [N, C] / [N, 1]
    }

    private Tensor Dropped(Tensor vectors, bool drops) =>
        drops && _config.Dropout > 0 ? nn.functional.dropout(vectors, _config.Dropout, training: true) : vectors;

    private IEnumerable<(string, nn.Module, int)> Modules()
    {
        yield return (TextNaming.Words, _words, 0);
        yield return (TextNaming.Positions, _positions, 0);
        if (_segments is not null)
            yield return (TextNaming.Segments, _segments, 0);
        yield return (TextNaming.Norm, _norm, 0);
        foreach (var (index, layer) in _layers.Index())
        {
            foreach (var (name, module) in layer.Modules(TextNaming.Of(_config.Kind), index))
                yield return (name, module, index + 1);
        }
        if (_pooler is not null)
            yield return (TextNaming.Pooler, _pooler, _layers.Length);
    }
}
