using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>A copy of tensors, owned by this object.</summary>
internal sealed class WeightSnapshot : IDisposable
{
    private readonly List<(Tensor Live, Tensor Copy)> _tensors;

    public WeightSnapshot(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        using var noGradients = no_grad();
        _tensors = [.. tensors.Select(named => (named.Tensor, named.Tensor.clone().DetachFromDisposeScope()))];
    }

    public IReadOnlyList<Tensor> Copies => [.. _tensors.Select(pair => pair.Copy)];

    /// <summary>Copies the current values.</summary>
    public void Take()
    {
        using var noGradients = no_grad();
        foreach (var (live, copy) in _tensors)
            copy.copy_(live);
    }

    /// <summary>Restores the copied values.</summary>
    public void Restore()
    {
        using var noGradients = no_grad();
        foreach (var (live, copy) in _tensors)
            live.copy_(copy);
    }

    public void Dispose()
    {
        foreach (var (_, copy) in _tensors)
            copy.Dispose();
    }
}
