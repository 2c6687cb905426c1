using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// A pretrained network without its classifier: pixels [N, 3, H, W] -> pooled features [N, <see cref="Features"/>]. Parameter names equal
/// those of the original, so real weight files load by name.
/// </summary>
internal abstract class BackboneNetwork(string name, int features) : nn.Module<Tensor, Tensor>(name)
{
    // Width and height in pixels of the picture that finds the channels of the last maps: enough for five halvings.
    private const int ProbeSize = 32;

    private readonly List<Stage> _stages = [];
    private readonly List<(string Path, ConvNorm Pair)> _pairs = [];
    private readonly List<ChannelGroup> _channels = [];
    private readonly ReplacedStages _replaced = new();
    private int _foldedStages;

    // The first convolution, where it takes other than three channels.
    private Conv2d? _otherStem;

    /// <summary>Length of the pooled feature vector.</summary>
    public int Features { get; private set; } = features;

    /// <summary>The stages, in the order of computation.</summary>
    public IReadOnlyList<Stage> Stages => _stages;

    /// <summary>Low-rank additions to layers.</summary>
    public LoraLayers Adapters { get; } = new();

    public sealed override Tensor forward(Tensor input) => Forward(input, 0, Stages.Count);

    /// <summary>Runs the stages from <paramref name="first"/> up to, not including, <paramref name="end"/>.
    /// Caller disposes the result.</summary>
    public virtual Tensor Forward(Tensor input, int first, int end)
    {
        var current = input;
        for (var i = first; i < end; i++)
        {
            var next = Stages[i].Forward(current);
            if (i > first)
                current.Dispose();
            current = next;
        }
        return end > first ? current : input.alias();
    }

    /// <summary>The reduction of tokens to features; null if there are no tokens.</summary>
    public virtual Backbone.TokenPooling? Pooling => null;

    /// <summary>The attention weights of every stage that has some, in order: [N, T, T] each, averaged over the heads.
    /// Caller disposes each.</summary>
    public IReadOnlyList<Tensor> AttentionWeights(Tensor input)
    {
        var weights = new List<Tensor>();
        var last = _stages.FindLastIndex(stage => stage.Attention is not null);
        var current = input.alias();
        for (var i = 0; i <= last; i++)
        {
            if (Stages[i].Attention is { } attention)
                weights.Add(attention(current));
            if (i == last)
                break;
            var next = Stages[i].Forward(current);
            current.Dispose();
            current = next;
        }
        current.Dispose();
        return weights;
    }

    /// <summary>
    /// The first stages in inference mode as operators; all of them: [N, C, H, W] -> [N, <see cref="Features"/>].
    /// </summary>
    /// <exception cref="NotSupportedException">The network is a TorchScript program, whose operators are not known.</exception>
    public GraphValue Write(NetworkGraph graph, GraphValue pixels, int stages) =>
        _stages.Take(stages).Aggregate(pixels, (current, stage) => stage.Write(graph, current));

    /// <summary>
    /// Folds BatchNorm and low-rank additions into the layers of the first <paramref name="stages"/> stages, and unfolds
    /// the others. Folded stages do not see later changes of their weights: fold what is frozen, or everything when
    /// scoring. What is folded already is left as it is.
    /// </summary>
    public void Fold(int stages)
    {
        foreach (var (path, pair) in _pairs)
        {
            var stage = _stages.FindIndex(s => s.Owns(path));
            if (stage >= stages)
                pair.Unfold();
            else if (stage >= _foldedStages)
                pair.Fold();
        }
        _foldedStages = stages;
        Adapters.Merge(stages);
    }

    /// <summary>
    /// Training mode for the stages from <paramref name="frozenStages"/> on; frozen stages stay in inference mode, as does every later
    /// layer whose own parameters take no gradient, so that running statistics of frozen layers never change.
    /// </summary>
    public virtual void SetTraining(int frozenStages, BatchNormMode batchNorm = BatchNormMode.Train)
    {
        if (_foldedStages > frozenStages)
            throw new InvalidOperationException($"Stage '{Stages[frozenStages].Name}' is folded; unfold it before it trains.");
        eval();
        foreach (var (path, module) in named_modules())
        {
            if (_stages.FindIndex(s => s.Owns(path)) >= frozenStages)
                module.train(!FineTunedNetwork.IsFrozen(module) && !(batchNorm == BatchNormMode.Frozen && module is BatchNorm2d));
        }
        _replaced.SetTraining(frozenStages); // new layers have no running statistics to keep
    }

    /// <summary>Gives BatchNorm the statistics of the rows of several processes; null for those of this one.</summary>
    public void ShareStatistics(BatchStatistics? statistics)
    {
        foreach (var norm in named_modules().Select(named => named.module).OfType<BatchNorm2d>())
            norm.Statistics = statistics;
    }

    /// <summary>Whether a BatchNorm is in training that has the statistics of several processes.</summary>
    public bool SharesStatistics() => named_modules().Any(named => named.module is BatchNorm2d { training: true, Statistics: not null });

    /// <summary>A BatchNorm of a user that normalises by the rows of a batch now, for messages; null if there is none.</summary>
    public virtual string? ForeignNorm() => _replaced.TrainingNorm() is { } name ? $"BatchNorm '{name}'" : null;

    public override void eval()
    {
        base.eval();
        _replaced.Infer();
    }

    /// <summary>Whether the first so many stages can run by themselves.</summary>
    public virtual bool RunsAlone(int stages) => true;

    public virtual void MoveTo(Device device)
    {
        this.to(device);
        _replaced.MoveTo(device);
        Adapters.MoveTo(device);
    }

    /// <summary>Layers that can get a low-rank addition, by name.</summary>
    public IReadOnlyList<(string Name, IAdaptable Layer)> AdaptableLayers() =>
        [.. named_modules().Where(named => named.module is IAdaptable && !_replaced.Hides($"{named.name}.weight"))
            .Select(named => (named.name, (IAdaptable)named.module))];

    /// <summary>Gives a layer a low-rank addition, which the network owns.</summary>
    public void Adapt(string name, IAdaptable layer, LoraLayer addition) =>
        Adapters.Add(name, StageOf(name), _pairs.Exists(named => named.Pair.Holds(layer)), layer, addition);

    /// <summary>Puts a module in the place of a stage's layers and owns it. Their memory is freed and their names are gone.</summary>
    /// <param name="index">Index of the stage.</param>
    /// <param name="module">The module, whose output is the input of the next stage;
    /// for the last stage maps [N, C, H, W], which are averaged, features [N, F], or tokens where the network has them.</param>
    public void Replace(int index, nn.Module<Tensor, Tensor> module)
    {
        var old = _stages[index];
        _replaced.Add(index, old.Name, module, NamedTensors().Where(named => old.Owns(named.Name)));
        _pairs.RemoveAll(named => old.Owns(named.Path));
        _stages[index] = new Stage(old.Name, [old.Name], new Computation(maps => ReplacedStages.Run(module, maps), Refuse),
            old.Pool is null ? null : new Computation(Pool, Refuse));

        Tensor Pool(Tensor output) => output.ndim switch
        {
            2 => output.alias(),
            4 => Computation.Average.Forward(output),
            _ => old.Pool!.Forward(output)
        };

        GraphValue Refuse(NetworkGraph graph, GraphValue input) => throw new NotSupportedException(
            $"Stage '{old.Name}' is a {module.GetType().Name} of your own, and nothing is known of what it computes. "
                + "Write it in Python and use torch.onnx.export there with the weights of SaveWeights.");
    }

    /// <summary>
    /// Ends the network with its last maps or tokens, which a head pools: removes the pooling, and the stages after the maps with the
    /// memory of their layers.
    /// </summary>
    /// <param name="channels">Number of channels that enter the network.</param>
    public void EndWithMaps(int channels)
    {
        var last = _stages.FindLastIndex(stage => stage.GivesMaps);
        var removed = _stages[(last + 1)..];
        _stages.RemoveRange(last + 1, removed.Count);
        _replaced.Hide(NamedTensors().Where(named => removed.Exists(stage => stage.Owns(named.Name))));
        _pairs.RemoveAll(pair => removed.Exists(stage => stage.Owns(pair.Path)));
        _stages[last] = _stages[last].WithoutPool();
        if (removed.Count == 0)
            return;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        eval();
        SetFeatures(forward(zeros(1, channels, ProbeSize, ProbeSize, Parameters.Type)).shape[1]); // [1, C, h, w]
    }

    /// <summary>Says what the last stage gives, where that was replaced.</summary>
    public void SetFeatures(long features) => Features = checked((int)features);

    /// <summary>
    /// The name of the first convolution's weight in a network for colours; null where it has none.
    /// It is the only one with three input channels.
    /// </summary>
    public string? FirstConvolution => named_modules().Where(named => named.module is Conv2d conv && EntersColors(conv)).Take(2)
        .ToList() is [var only]
        ? $"{only.name}.weight"
        : null;

    /// <summary>Gives a new network, uninitialised, another number of channels that enter.</summary>
    public void SetInputChannels(int channels)
    {
        _otherStem = named_modules().Select(named => named.module).OfType<Conv2d>().Single(EntersColors);
        _otherStem.SetInChannels(channels);
    }

    /// <summary>Channels that can be pruned, by the name of the convolution that makes them.</summary>
    public IReadOnlyList<(string Name, ChannelGroup Channels)> ChannelGroups()
    {
        var modules = named_modules().ToList();
        return [.. _channels.Select(group => (modules.Find(named => ReferenceEquals(named.module, group.Maker)).name, group))];
    }

    /// <summary>Trainable numbers.</summary>
    public long ParameterCount => NamedParameters().Sum(p => p.Parameter.numel());

    /// <summary>What can train, by the names of the original, in a fixed order.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters() =>
        [.. named_parameters().Where(p => !_replaced.Hides(p.name)), .. _replaced.NamedParameters(), .. Adapters.NamedParameters()];

    /// <summary>Parameters and running statistics by the names of the original, in a fixed order. The network owns them.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors() =>
        [.. NamedParameters().Select(p => (p.Name, (Tensor)p.Parameter)), .. named_buffers().Where(b => !_replaced.Hides(b.name)),
            .. _replaced.NamedBuffers()];

    /// <summary>The index of the stage that a tensor belongs to.</summary>
    public int StageOf(string tensorName)
    {
        var index = _stages.FindIndex(s => s.Owns(tensorName));
        return index >= 0 ? index : throw new InvalidOperationException($"Tensor '{tensorName}' belongs to no stage of {GetName()}.");
    }

    /// <summary>Whether weight decay acts on a parameter: weights of two and more dimensions decay, biases,
    /// norms and scales do not.</summary>
    public virtual bool Decays(string name, Tensor parameter) => parameter.ndim >= 2;

    /// <summary>
    /// A function that converts a file's tensor of another shape to this network's (caller disposes the result); null where
    /// there is none. Shapes that differ only in dimensions of 1 have the same numbers in the same order (a linear layer,
    /// and a 1x1 convolution in another library).
    /// </summary>
    public virtual Func<Tensor, Tensor>? Adaptation(string name, long[] fileShape)
    {
        var tensor = NamedTensors().FirstOrDefault(named => named.Name == name).Tensor;
        var own = tensor?.shape;
        if (_otherStem is not null && ReferenceEquals(tensor, _otherStem.weight))
            return fileShape.SequenceEqual([own![0], InputChannels.Colors, .. own[2..]])
                ? read => InputChannels.Adapt(read, (int)own[1])
                : null;
        return own is not null && own.Where(size => size != 1).SequenceEqual(fileShape.Where(size => size != 1))
            ? read => read.reshape(own)
            : null;
    }

    private static bool EntersColors(Conv2d conv) => conv.weight.shape[1] == InputChannels.Colors && conv.Groups == 1;

    protected ConvNorm Pair(string path, Conv2d conv, BatchNorm2d norm, Activation activation)
    {
        var pair = new ConvNorm(conv, norm, activation);
        AddPair(path, pair);
        return pair;
    }

    protected void AddChannels(ChannelGroup group) => _channels.Add(group);

    protected void AddPair(string path, ConvNorm pair) => _pairs.Add((path, pair));

    /// <summary>Adds a stage that runs blocks one after another; the last stage of a network also averages
    /// over the picture, [N, C, H, W] -> [N, C].</summary>
    protected void AddBlocks(string name, IReadOnlyList<Block> blocks, bool last) =>
        AddBlocks(name, [name], blocks, pool: last ? Computation.Average : null);

    /// <summary>The same for blocks in several modules or in one with another name, followed by <paramref name="then"/>.</summary>
    protected void AddBlocks(string name, IReadOnlyList<string> modules, IReadOnlyList<Block> blocks, Computation? then = null,
        Computation? pool = null, Computation? norm = null)
    {
        _pairs.AddRange(blocks.OfType<IFoldable>().SelectMany(block => block.Pairs).Select(pair => (modules[0], pair)));
        _channels.AddRange(blocks.OfType<IPrunable>().SelectMany(block => block.InnerChannels));
        var all = Computation.Of(blocks);
        _stages.Add(new Stage(name, modules, then is null ? all : all.Then(then), pool) { Norm = norm });
    }

    protected void AddStage(
        string name, IReadOnlyList<string> modules, Computation maps, Computation? pool = null, bool givesMaps = true,
        Func<Tensor, Tensor>? attention = null) =>
        _stages.Add(new Stage(name, modules, maps, pool) { GivesMaps = givesMaps, Attention = attention });

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var (_, pair) in _pairs)
                pair.Dispose();
            _replaced.Dispose();
            Adapters.Dispose();
        }
        base.Dispose(disposing);
    }
}
