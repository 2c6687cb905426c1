using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>
/// The forward and backward pass of a training step in which the stages of the network run one by one, separated by detached activations.
/// </summary>
internal abstract class StagePass
{
    /// <summary>The forward pass. Tensors stored for the backward pass belong to the caller's dispose scope.</summary>
    /// <param name="inputs">The inputs, owned by the caller.</param>
    /// <param name="batch">Number of the batch, for the random numbers.</param>
    public abstract Tensor Forward(ModelInputs inputs, int batch);

    /// <summary>The backward pass through the stages below those that <c>loss.backward()</c> reached.</summary>
    /// <param name="completed">
    /// Receives the lowest stage whose gradients are complete: first that which <c>loss.backward()</c> reached, and then each one below it.
    /// </param>
    public abstract void Backward(Action<int>? completed = null);
}
