using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>A user's module as the engine sees it. Owns it.</summary>
internal sealed class ModuleNetwork : FineTunedNetwork
{
    private readonly nn.Module _module;
    private readonly ModuleFactory _factory;
    private readonly string _contract;
    private readonly ModuleContext _context;
    private readonly ModuleStages _stages;
    private readonly Func<Tensor[], Tensor> _call;
    private readonly ModuleSteps? _steps;
    private readonly IReadOnlyList<(string Name, IAdaptable Layer)> _adaptable;
    private bool _ranWithAdapters;

    private ModuleNetwork(nn.Module module, ModuleFactory factory, string contract, ModuleContext context)
    {
        _module = module;
        (_factory, _contract) = (factory, contract);
        _context = context;
        Name = $"module '{contract}'";
        var inputs = context.Inputs.Count;
        _call = ModuleCall.Of(module, inputs)
            ?? throw new ArgumentException(
                $"The factory of {Name} made a {module.GetType()}; "
                + $"for {inputs} input{(inputs == 1 ? "" : "s")} it must be a {ModuleCall.Expected(inputs)}.");
        var tensors = NamedTensors();
        if (NamedParameters().Count == 0)
            throw new ArgumentException($"The {Name} has no parameters. "
                + "A module that keeps its layers in fields calls RegisterComponents() at the end of its constructor.");
        if (tensors.FirstOrDefault(named => named.Tensor.dtype is not (ScalarType.Float32 or ScalarType.Int64))
            is { Tensor: not null } other)
            throw new ArgumentException(
                $"Tensor '{other.Name}' of {Name} is {other.Tensor.dtype}; only Float32 and Int64 can be saved."
                + ModuleMaker.AdviceOn(other.Tensor.dtype));
        _stages = ModuleStages.Of(module, [.. tensors.Select(named => named.Name)]);
        _steps = inputs == 1 ? ModuleSteps.Of(module, _stages.Parts) : null;
        _adaptable = [.. LayersBelowHead().Select(named => (named.Name, Layer: TorchLayer.Of(named.Layer)))
            .Where(named => named.Layer is not null).Select(named => (named.Name, (IAdaptable)named.Layer!))];
    }

    public override string Name { get; }

    public override string Description => Name;

    public override IReadOnlyList<string> Stages => _stages.Names;

    /// <summary>The factory, its settings and its program, and what goes in and out.</summary>
    public override string Computation => CanonicalJson.Of((object)ModuleContract.Of(_factory)) + CanonicalJson.Of((object)_context)
        + _factory.GetType().Module.ModuleVersionId;

    public override bool RunsAlone(int stages) => stages == 0 || _steps is not null;

    // A module with one part has no stage before its head, and RunsAlone(0) is true of it too.
    public override bool GivesFeatures => _steps is not null;

    public override bool RunsInStages => _steps is not null;

    /// <summary>The head's are not among them: it always trains, and needs none.</summary>
    public override IReadOnlyList<(string Name, IAdaptable Layer)> AdaptableLayers() => _adaptable;

    public override string WhatAdapts => $"TorchSharp's own Linear and Conv2d can be adapted, below the head ('{_stages.Parts[^1]}', which "
        + $"trains as it is); the other layers of {Name} there are {Few(LayersBelowHead())}.";

    public override void Adapt(string name, IAdaptable layer, LoraLayer adapter) =>
        Adapters.Add(name, StageOf(name), folds: false, layer, adapter);

    /// <summary>With the weights that the factory drew.</summary>
    /// <exception cref="InvalidOperationException">The factory failed.</exception>
    /// <exception cref="ArgumentException">What it made cannot be used.</exception>
    public static ModuleNetwork Create(ModuleFactory factory, string contract, ModuleContext context, long seed)
    {
        var module = ModuleMaker.Make(factory, $"module '{contract}'", context, seed, RandomStream.ModuleWeights, ordinal: 0);
        try
        {
            return new ModuleNetwork(module, factory, contract, context);
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    public override FineTunedNetwork CreateAlike(Func<int, NetworkHead> createHead) => Create(_factory, _contract, _context, seed: 0);

    /// <summary>Takes the weights from a file, strictly.</summary>
    /// <returns>Sentences for the log.</returns>
    public IReadOnlyList<string> LoadWeights(string path)
    {
        using var file = WeightFile.Open(path);
        var notes = StrictLoader.Load(file, NamedTensors(), Name, mayIgnore: _ => false);
        FiniteNumbers.Require(path, NamedTensors());
        return notes;
    }

    public override NetworkManifest Describe() => new ModuleManifest(ModuleContract.Of(_factory));

    public override int StageOf(string tensorName) => _stages.IndexOf(tensorName);

    public override IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters() =>
        [.. _module.named_parameters(), .. Adapters.NamedParameters()];

    public override IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors()
    {
        // Where an adapter is merged the layer's tensor holds the sum, which is nobody's weight.
        var originals = Adapters.Originals().ToDictionary(named => named.Name, named => named.Weight, StringComparer.Ordinal);
        return [.. NamedParameters().Select(named => (named.Name, originals.GetValueOrDefault(named.Name) ?? named.Parameter)),
            .. _module.named_buffers().Select(b => (b.name, b.buffer))];
    }

    public override void Freeze(int frozenStages)
    {
        _module.eval();
        Adapters.Merge(frozenStages);
    }

    public override void BeginTraining(int frozenStages, BatchNormMode batchNorm = BatchNormMode.Train)
    {
        _module.train();
        var adapted = Adapters.Layers.Where(layer => StageOf(layer) >= frozenStages).ToList();
        var frozen = FrozenLayers(_module, path => adapted.Exists(layer => layer.StartsWith(path + ".", StringComparison.Ordinal)));
        foreach (var (path, module) in _module.named_modules())
        {
            // Each by itself, and those within it after it: a frozen layer may hold others that train.
            if (path.Length > 0)
                module.train(
                    !(_stages.Owns(path, frozenStages) || frozen.Contains(module)
                        || (IsBatchNorm(module) && KeepsStatistics(path, batchNorm))));
        }
        if (Processes.IsSeveral)
        {
            RefuseForeignNorm(_module.named_modules().Where(named => UsesBatch(named.module))
                .Select(named => $"BatchNorm '{named.name}'").FirstOrDefault());
        }
    }

    // Beside adapters nothing of the network changes below its head, running statistics included, with weights of their own or without.
    private bool KeepsStatistics(string path, BatchNormMode batchNorm) =>
        batchNorm == BatchNormMode.Frozen || (Adapters.Count > 0 && _stages.Owns(path, Stages.Count));

    public override void PrepareForScoring() => Freeze(Stages.Count);

    /// <summary>What a cache keeps and gives back: contiguous, so that both ways compute the same bits.</summary>
    public override Tensor ForwardFirst(ModelInputs inputs, int stages)
    {
        using var scope = NewDisposeScope();
        var features = InPrecision(() => Steps.Run(inputs.Activations, 0, stages));
        return features.dtype == ScalarType.Float32 && features.ndim > 0 && features.shape[0] == inputs.Rows
            ? (features.is_contiguous() ? features.alias() : features.contiguous()).MoveToOuterDisposeScope()
            : throw new InvalidOperationException(
                $"The first {stages} stages of {Name} gave {features.dtype} of shape [{string.Join(", ", features.shape)}] for "
                    + $"{inputs.Rows} rows; "
                + $"expected Float32 of shape [{inputs.Rows}, ...]: what a stage gives the next one.");
    }

    public override Tensor ForwardRest(ModelInputs inputs, int first)
    {
        using var scope = NewDisposeScope();
        var outputs = InPrecision(() =>
            _steps is null ? _call(InOrder(inputs)) : _steps.Run(Contiguous(inputs.Activations), first, _stages.Parts.Count));
        return Checked(outputs, inputs.Rows).MoveToOuterDisposeScope();
    }

    /// <summary>Draws as torch does: see <see cref="SeededTorch"/>.</summary>
    public override Tensor ForwardInTraining(ModelInputs inputs, int first, long seed, int step)
    {
        using var scope = NewDisposeScope();
        var outputs = InPrecision(() => _steps is null
            ? RunSeeded(inputs, () => _call(InOrder(inputs)), part: 0, seed, step)
            : RunStages(inputs, first, seed, step));
        RequireAdaptersRan(first);
        return Checked(outputs, inputs.Rows).MoveToOuterDisposeScope();
    }

    /// <exception cref="InvalidOperationException">A layer ran without its adapter.</exception>
    /// <inheritdoc/>
    public override Tensor FeaturesInTraining(ModelInputs inputs, int first, long seed, int step)
    {
        using var scope = NewDisposeScope();
        var features = base.FeaturesInTraining(inputs, first, seed, step);
        RequireAdaptersRan(first);
        return features.shape[0] == inputs.Rows ? features.MoveToOuterDisposeScope() : throw new InvalidOperationException(
            $"The stages of {Name} gave features of shape [{string.Join(", ", features.shape)}] for {inputs.Rows} rows; "
            + $"expected [{inputs.Rows}, ...].");
    }

    /// <summary>On a copy: layers may change what they are given.</summary>
    public override Tensor ForwardStageInTraining(ModelInputs inputs, int stage, long seed, int step)
    {
        using var scope = NewDisposeScope();
        var output = InPrecision(() =>
            RunSeeded(inputs, () => Steps.Run(inputs.Activations.clone(), stage, stage + 1), stage, seed, step)).alias();
        RequireAdaptersRan(stage, stage + 1);
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Ready to score, so that adapters are merged.</summary>
    public override GraphNetwork Write(NetworkGraph graph, GraphInputs inputs) =>
        TorchGraph.Write(_module, Name, graph, [inputs.Activations, .. inputs.Beside], _stages.Parts[^1]);

    public override StageGraph WriteFirst(int stages)
    {
        var (graph, shape) = (new NetworkGraph(), _context.Inputs[0]);
        var input = graph.AddInput("input", shape.Dimensions, shape.KeyCount > 0 ? GraphElement.Int64 : GraphElement.Single);
        return new StageGraph(graph, TorchGraph.WriteBefore(_module, Name, graph, input, _stages.Parts[stages]), Enter, Leave);

        static Tensor[] Enter(ModelInputs inputs) => [inputs.Activations.contiguous()];

        static Tensor Leave(Tensor activations, ModelInputs inputs) => activations.alias();
    }

    public override void Dispose()
    {
        Adapters.Dispose();
        _module.Dispose();
    }

    protected override void Move(Device device)
    {
        _module.to(device);
        Adapters.MoveTo(device);
    }

    private ModuleSteps Steps => _steps ?? throw new NotSupportedException($"The {Name} runs as a whole.");

    // Each stage with numbers of its own, so that one can be computed again.
    private Tensor RunStages(ModelInputs inputs, int first, long seed, int step)
    {
        var current = Contiguous(inputs.Activations);
        // Between detached stages the input is a leaf, which a layer in place may not change, and whose gradient is read afterwards.
        if (current.is_leaf && current.requires_grad)
            current = current.clone();
        for (var stage = first; stage < _stages.Parts.Count; stage++)
        {
            var (from, number) = (current, stage);
            current = RunSeeded(inputs, () => Steps.Run(from, number, number + 1), stage, seed, step);
        }
        return current;
    }

    private Tensor RunSeeded(ModelInputs inputs, Func<Tensor> run, int part, long seed, int step)
    {
        Adapters.BeginStep(seed, step, inputs.TrainingRows, Processes.Rank);
        try
        {
            return SeededTorch.Run(seed, RandomStream.ModuleSteps, step, run, part, Processes.Rank);
        }
        finally
        {
            Adapters.BeginStep(seed, step: null);
        }
    }

    // Features of a cache come channels-last, and so do pixels for a teacher.
    private static Tensor Contiguous(Tensor input) => input.is_contiguous() ? input : input.contiguous();

    // A hook runs where a layer is called, and not in its `forward`: the adapter would learn nothing, and nobody would know.
    private void RequireAdaptersRan(int first, int end = int.MaxValue)
    {
        if (_ranWithAdapters || Adapters.Count == 0)
            return;
        var idle = _adaptable.Where(named => named.Layer is TorchLayer { Adapter.Merged: null, Ran: false }
            && IsIn(named.Name)).ToList();
        if (idle.Count > 0)
        {
            throw new InvalidOperationException(
                $"The {Name} computed without calling {string.Join(", ", idle.Select(named => $"'{named.Name}'"))}, "
                    + "beside which adapters stand. "
                + "TorchSharp runs what stands beside a layer in layer.call(x) alone: "
                + "write that in forward in the place of layer.forward(x), or "
                + "leave a layer that is not used out of the adapter's targets.");
        }
        _ranWithAdapters = Adapters.Layers.All(IsIn);

        bool IsIn(string layer) => StageOf(layer) >= first && StageOf(layer) < end;
    }

    private List<(string Name, nn.Module Layer)> LayersBelowHead() =>
        [.. _module.named_modules().Where(named => named.name.Length > 0 && _stages.Owns(named.name, Stages.Count))
            .Select(named => (named.name, named.module))];

    private static string Few(IReadOnlyList<(string Name, nn.Module Layer)> layers)
    {
        var others = layers.Where(named => TorchLayer.Of(named.Layer) is null && !named.Layer.children().Any()).ToList();
        return others.Count == 0 ? "none"
            : string.Join(", ", others.Take(8).Select(named => $"{named.Name} ({named.Layer.GetType().Name})"))
            + (others.Count > 8 ? $" and {others.Count - 8} more" : "");
    }

    // The first input flows through the module, the others stand beside it.
    private Tensor[] InOrder(ModelInputs inputs) =>
        [Contiguous(inputs.Activations), .. _context.Inputs.Skip(1).Select(shape => inputs.Beside[shape.Column])];

    private Tensor Checked(Tensor outputs, long rows)
    {
        if (outputs.ndim == 1 && _context.Outputs == 1 && outputs.shape[0] == rows)
            outputs = outputs.unsqueeze(1);
        if (outputs.ndim == 2 && outputs.shape[0] == rows && outputs.shape[1] == _context.Outputs && outputs.dtype == ScalarType.Float32)
            return outputs.alias(); // a module may give back what it was given
        throw new InvalidOperationException(
            $"The {Name} gave {outputs.dtype} of shape [{string.Join(", ", outputs.shape)}] for {rows} rows; "
                + $"expected Float32 of shape [{rows}, {_context.Outputs}]: "
                + $"{(_context.Outputs == 1 ? "one number a row" : "one number for each class")}. ModuleContext.Outputs says how many.");
    }
}
