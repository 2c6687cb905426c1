using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>Modules in the place of a network's own stages. Their tensors carry the stage's
/// name before their own. Owns the modules.</summary>
internal sealed class ReplacedStages : IDisposable
{
    private readonly List<(int Stage, string Name, nn.Module<Tensor, Tensor> Module)> _all = [];

    // Tensors of the replaced layers. They stay in the network's module tree, without memory.
    private readonly HashSet<string> _hidden = new(StringComparer.Ordinal);

    public void Add(int stage, string name, nn.Module<Tensor, Tensor> module, IEnumerable<(string Name, Tensor Tensor)> instead)
    {
        Hide(instead);
        _all.Add((stage, name, module));
    }

    /// <summary>Frees the memory of tensors that are no longer part of the network.</summary>
    public void Hide(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        using var noGradients = no_grad();
        foreach (var (name, tensor) in tensors)
        {
            using var nothing = empty(0, tensor.dtype, tensor.device);
            tensor.set_(nothing);
            _hidden.Add(name);
        }
    }

    public bool Hides(string tensor) => _hidden.Contains(tensor);

    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters() =>
        _all.SelectMany(one => one.Module.named_parameters().Select(p => ($"{one.Name}.{p.name}", p.parameter)));

    public IEnumerable<(string Name, Tensor Buffer)> NamedBuffers() =>
        _all.SelectMany(one => one.Module.named_buffers().Select(b => ($"{one.Name}.{b.name}", b.buffer)));

    /// <summary>A module may give back what it was given, and leave more behind than its result.</summary>
    public static Tensor Run(nn.Module<Tensor, Tensor> module, Tensor maps)
    {
        using var scope = NewDisposeScope();
        return module.call(maps).alias().MoveToOuterDisposeScope();
    }

    public void SetTraining(int frozenStages)
    {
        foreach (var (stage, _, module) in _all.Where(one => one.Stage >= frozenStages))
        {
            module.train();
            var frozen = FineTunedNetwork.FrozenLayers(module);
            foreach (var (_, part) in module.named_modules().Where(named => frozen.Contains(named.module)))
                part.eval();
        }
    }

    /// <summary>Name of a layer that normalises by the statistics of a batch; null if there is none.</summary>
    public string? TrainingNorm() => _all.SelectMany(one => one.Module.named_modules().Append((name: "", module: one.Module))
            .Where(named => FineTunedNetwork.UsesBatch(named.module))
            .Select(named => $"{one.Name}.{named.name}".TrimEnd('.'))).FirstOrDefault();

    public void Infer()
    {
        foreach (var (_, _, module) in _all)
            module.eval();
    }

    public void MoveTo(Device device)
    {
        foreach (var (_, _, module) in _all)
            module.to(device);
    }

    public void Dispose()
    {
        foreach (var (_, _, module) in _all)
            module.Dispose();
    }
}
