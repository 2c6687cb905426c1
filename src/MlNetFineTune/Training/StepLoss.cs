using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The loss of a batch after its backward pass, which may still be computed on the device.</summary>
internal readonly struct StepLoss : IDisposable
{
    private readonly Tensor? _pending;
    private readonly double _known;

    private StepLoss(Tensor? pending, double known, double weight) => (_pending, _known, Weight) = (pending, known, weight);

    /// <summary>The mean loss; waits for the device.</summary>
    public double Mean => _pending?.item<float>() ?? _known;

    /// <summary>Weight of the batch in the mean of the epoch.</summary>
    public double Weight { get; }

    /// <param name="mean">The mean loss; a copy without gradients is kept until this is disposed.</param>
    /// <param name="weight">Weight of the batch in the mean of the epoch.</param>
    public static StepLoss Of(Tensor mean, double weight) => new(mean.detach().MoveToOuterDisposeScope(), 0, weight);

    /// <summary>A loss that is known, since several processes agreed on it.</summary>
    public static StepLoss Of(AgreedLoss loss) => new(null, loss.Mean, loss.Weight);

    public void Dispose() => _pending?.Dispose();
}
