using MlNetFineTune.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>A copy of everything that training changes: trained weights and running statistics.</summary>
internal sealed class WeightSnapshot : IDisposable
{
    private readonly List<(Tensor Live, Tensor Copy)> _tensors;

    public WeightSnapshot(TrainableNetwork network, int frozenStages)
    {
        using var noGradients = no_grad();
        _tensors = [.. network.NamedTensors()
            .Where(named => network.StageOf(named.Name) >= frozenStages)
            .Select(named => (named.Tensor, named.Tensor.clone().DetachFromDisposeScope()))];
    }

    /// <summary>Copies the present values.</summary>
    public void Take()
    {
        using var noGradients = no_grad();
        foreach (var (live, copy) in _tensors)
            copy.copy_(live);
    }

    /// <summary>Whether the present values are all numbers.</summary>
    public bool LiveIsFinite()
    {
        using var scope = NewDisposeScope();
        return _tensors.All(pair => pair.Live.isfinite().all().item<bool>());
    }

    /// <summary>Puts the copied values back.</summary>
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
