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
    }

    public override string Name { get; }

    public override string Description => Name;

    public override IReadOnlyList<string> Stages => _stages.Names;

    public override bool RunsAlone(int stages) => false;

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

    public override IReadOnlyList<(string Name, Parameter Parameter)> NamedParameters() => [.. _module.named_parameters()];

    public override IReadOnlyList<(string Name, Tensor Tensor)> NamedTensors() =>
        [.. _module.named_parameters().Select(p => (p.name, (Tensor)p.parameter)),
            .. _module.named_buffers().Select(b => (b.name, b.buffer))];

    public override void Freeze(int frozenStages) => _module.eval();

    public override void BeginTraining(int frozenStages, BatchNormMode batchNorm = BatchNormMode.Train)
    {
        _module.train();
        var frozen = FrozenLayers(_module);
        foreach (var (path, module) in _module.named_modules())
        {
            // Each by itself, and those within it after it: a frozen layer may hold others that train.
            if (path.Length > 0)
                module.train(
                    !(_stages.Owns(path, frozenStages) || frozen.Contains(module)
                        || (batchNorm == BatchNormMode.Frozen && IsBatchNorm(module))));
        }
    }

    /// <summary>Whoever wrote it: a layer with running statistics.</summary>
    public static bool IsBatchNorm(nn.Module module) => module.named_buffers(recurse: false).Any(named => named.name == "running_mean");

    public override void PrepareForScoring() => _module.eval();

    public override Tensor ForwardFirst(ModelInputs inputs, int stages) => throw new NotSupportedException("A module runs as a whole.");

    public override Tensor ForwardRest(ModelInputs inputs, int first)
    {
        using var scope = NewDisposeScope();
        return Checked(_call(InOrder(inputs)), inputs.Rows).MoveToOuterDisposeScope();
    }

    /// <summary>Draws as torch does: see <see cref="SeededTorch"/>.</summary>
    public override Tensor ForwardInTraining(ModelInputs inputs, int first, long seed, int step) =>
        SeededTorch.Run(seed, RandomStream.ModuleSteps, step, () => ForwardRest(inputs, first));

    public override void Dispose() => _module.Dispose();

    protected override void Move(Device device) => _module.to(device);

    // The first input flows through the module, the others stand beside it.
    private Tensor[] InOrder(ModelInputs inputs) =>
        [inputs.Activations, .. _context.Inputs.Skip(1).Select(shape => inputs.Beside[shape.Column])];

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
