using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>An exponential moving average of tensors, which it owns: see <see cref="WeightAveraging.Exponential"/>.
/// Integers are copied instead of averaged.</summary>
internal sealed class MovingAverage : IDisposable
{
    private readonly double _decay;
    private readonly IReadOnlyList<(string Name, Tensor Live, Tensor Average)> _tensors;

    /// <param name="tensors">The averaged tensors. The network keeps ownership.</param>
    /// <param name="decay">Largest decay.</param>
    public MovingAverage(IEnumerable<(string Name, Tensor Tensor)> tensors, float decay)
    {
        using var noGradients = no_grad();
        _decay = ExactDouble.Of(decay);
        _tensors = [.. tensors.Select(named => (named.Name, named.Tensor, named.Tensor.clone().DetachFromDisposeScope()))];
    }

    public int Updates { get; set; }

    /// <summary>The averages, owned by this object.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Tensors => _tensors.Select(tensor => (tensor.Name, tensor.Average));

    public void Update()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var decay = Math.Min(_decay, (1.0 + Updates) / (10.0 + Updates));
        Updates++;
        var share = tensor(1 - decay); // lerp takes a tensor, which is slow to create
        foreach (var (_, live, average) in _tensors)
        {
            if (average.is_floating_point())
                average.lerp_(live, share);
            else
                average.copy_(live);
        }
    }

    /// <summary>Replaces the network's weights by the average until the result is disposed.</summary>
    public IDisposable InPlaceOfWeights()
    {
        Swap();
        return new Return(this);
    }

    public void Dispose()
    {
        foreach (var (_, _, average) in _tensors)
            average.Dispose();
    }

    private void Swap()
    {
        using var noGradients = no_grad();
        foreach (var (_, live, average) in _tensors)
        {
            using var kept = live.clone();
            live.copy_(average);
            average.copy_(kept);
        }
    }

    private sealed class Return(MovingAverage average) : IDisposable
    {
        public void Dispose() => average.Swap();
    }
}
