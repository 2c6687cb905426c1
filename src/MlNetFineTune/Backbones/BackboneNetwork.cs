using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Backbones;

/// <summary>
/// The convolutional part of a pretrained network: pixels [N, 3, H, W] -> pooled features [N, <see cref="Features"/>]. Parameter names equal
/// those of the original, so real weight files load by name.
/// </summary>
internal abstract class BackboneNetwork(string name, int features) : nn.Module<Tensor, Tensor>(name)
{
    private readonly List<Stage> _stages = [];
    private readonly List<(string Path, ConvNorm Pair)> _pairs = [];
    private int _foldedStages;

    /// <summary>Length of the pooled feature vector.</summary>
    public int Features { get; } = features;

    /// <summary>In the order of computation.</summary>
    public IReadOnlyList<Stage> Stages => _stages;

    public sealed override Tensor forward(Tensor input) => Forward(input, 0, Stages.Count);

    /// <summary>Runs the stages from <paramref name="first"/> up to, not including, <paramref name="end"/>. Caller disposes the result.</summary>
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

    /// <summary>
    /// Folds BatchNorm into the convolutions of the first <paramref name="stages"/> stages, and unfolds the others.
    /// Folded stages do not see later changes of their weights: fold what is frozen, or everything when scoring. What is folded already is left as it is.
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
    }

    /// <summary>Training mode for the stages from <paramref name="frozenStages"/> on; frozen ones stay in inference mode, so that their running statistics never move.</summary>
    public virtual void SetTraining(int frozenStages)
    {
        if (_foldedStages > frozenStages)
            throw new InvalidOperationException($"Stage '{Stages[frozenStages].Name}' is folded; unfold it before it trains.");
        eval();
        foreach (var (path, module) in named_modules())
        {
            if (_stages.FindIndex(s => s.Owns(path)) >= frozenStages)
                module.train(true);
        }
    }

    /// <summary>Whether the first so many stages can run by themselves.</summary>
    public virtual bool RunsAlone(int stages) => true;

    public virtual void MoveTo(Device device) => this.to(device);

    /// <summary>Trainable numbers.</summary>
    public long ParameterCount => named_parameters().Sum(p => p.parameter.numel());

    /// <summary>Parameters and running statistics by the names of the original, in a fixed order. The network owns them.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors() =>
        [.. named_parameters().Select(p => (p.name, (Tensor)p.parameter)), .. named_buffers().Select(b => (b.name, b.buffer))];

    /// <summary>The index of the stage that a tensor belongs to.</summary>
    public int StageOf(string tensorName)
    {
        var index = _stages.FindIndex(s => s.Owns(tensorName));
        return index >= 0 ? index : throw new InvalidOperationException($"Tensor '{tensorName}' belongs to no stage of {GetName()}.");
    }

    protected ConvNorm Pair(string path, Conv2d conv, BatchNorm2d norm, Activation activation)
    {
        var pair = new ConvNorm(conv, norm, activation);
        AddPair(path, pair);
        return pair;
    }

    protected void AddPair(string path, ConvNorm pair) => _pairs.Add((path, pair));

    /// <summary>Adds a stage that runs blocks one after another; the last stage of a network also pools.</summary>
    protected void AddBlocks(string name, IReadOnlyList<Block> blocks, bool last) => AddBlocks(name, [name], blocks, last);

    /// <summary>The same for blocks that do not lie together in a module of the stage's name; <paramref name="then"/> follows the last block.</summary>
    protected void AddBlocks(string name, IReadOnlyList<string> modules, IReadOnlyList<Block> blocks, bool last = false, Func<Tensor, Tensor>? then = null)
    {
        foreach (var block in blocks)
            _pairs.AddRange(block.Pairs.Select(pair => (modules[0], pair)));
        AddStage(name, modules, then is null ? Run : RunThen, last);

        Tensor RunThen(Tensor maps)
        {
            using var result = Run(maps);
            return then(result);
        }

        Tensor Run(Tensor maps)
        {
            var current = blocks[0].forward(maps);
            foreach (var block in blocks.Skip(1))
            {
                var next = block.forward(current);
                current.Dispose();
                current = next;
            }
            return current;
        }
    }

    /// <summary>Adds a stage; the last one of a network also averages over the picture, [N, C, H, W] -> [N, C].</summary>
    protected void AddStage(string name, IReadOnlyList<string> modules, Func<Tensor, Tensor> forward, bool last = false) =>
        _stages.Add(new Stage(name, modules, forward) { Pool = last ? maps => maps.mean([2, 3]) : null });

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var (_, pair) in _pairs)
                pair.Dispose();
        }
        base.Dispose(disposing);
    }
}
