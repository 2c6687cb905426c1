using MlNetFineTune.MlNet;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Networks;

/// <summary>
/// One copy of a TorchScript program in libtorch, with an owner for every tensor. TorchSharp's <c>ScriptModule</c> leaves that open: its
/// tensors belong to the current dispose scope of the caller, <c>named_modules</c> creates further handles that only the garbage collector
/// frees, and disposing frees no weights (some memory is never returned to libtorch: docs/backbones.md).
/// </summary>
internal sealed class LoadedScript : IDisposable
{
    private readonly jit.ScriptModule _module;
    private readonly List<(string Name, nn.Module Module)> _children;

    /// <exception cref="System.Runtime.InteropServices.ExternalException">libtorch cannot read the bytes.</exception>
    public LoadedScript(byte[] bytes)
    {
        using var scope = NewDisposeScope();
        _module = jit.load(bytes, DeviceType.CPU, -1L);
        Take();
        _children = [.. _module.named_children()]; // handles of the same modules; what they hold of tensors goes with the scope
    }

    public IReadOnlyList<(string Name, Parameter Parameter)> Parameters { get; private set; } = [];

    public IReadOnlyList<(string Name, Tensor Buffer)> Buffers { get; private set; } = [];

    /// <summary>Children of the root module, in the order of registration.</summary>
    public IEnumerable<string> Children => _children.Select(child => child.Name);

    /// <summary>What the program gives, if that is one tensor; null else. The caller disposes it.</summary>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">The program failed.</exception>
    public Tensor? Run(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        // In the layout that Python gave it: a program may ask for it (`view`).
        return _module.forward(pixels.contiguous()) is Tensor output ? output.alias().MoveToOuterDisposeScope() : null;
    }

    public void Train(bool on) => _module.train(on);

    /// <summary>Training mode for all but some children of the root.</summary>
    public void TrainWithout(Func<string, bool> isFrozen)
    {
        _module.train(true);
        foreach (var (name, child) in _children)
        {
            if (isFrozen(name))
                child.train(false);
        }
    }

    public void MoveTo(Device device)
    {
        using var scope = NewDisposeScope();
        _module.to(device);
        Take();
    }

    public void Dispose()
    {
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            foreach (var tensor in Tensors())
            {
                if (!tensor.IsInvalid)
                    tensor.set_(empty(0, tensor.dtype, tensor.device)); // TorchSharp keeps the module alive, so at least its numbers go
                tensor.Dispose();
            }
        }
        _module.Dispose();
    }

    private void Take()
    {
        Parameters = [.. _module.named_parameters()];
        Buffers = [.. _module.named_buffers()];
        foreach (var tensor in Tensors())
            tensor.DetachFromDisposeScope();
    }

    private IEnumerable<Tensor> Tensors() => [.. Parameters.Select(named => named.Parameter), .. Buffers.Select(named => named.Buffer)];
}
