using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The input of a network for one batch: the tensor that flows through the stages (pixels; in the middle of the network, what the stages
/// before gave), and by name the tensors that stand beside it and that any stage or the head may read (a table, a mask).
/// </summary>
/// <param name="activations">Rows in the first dimension.</param>
/// <param name="beside">The same rows. None by default.</param>
internal sealed class ModelInputs(Tensor activations, IReadOnlyDictionary<string, Tensor>? beside = null) : IDisposable
{
    private static readonly Dictionary<string, Tensor> s_none = [];

    public Tensor Activations { get; } = activations;

    public IReadOnlyDictionary<string, Tensor> Beside { get; } = beside ?? s_none;

    public long Rows => Activations.shape[0];

    /// <summary>The input of a network that takes one tensor. The tensor stays the caller's, unless this is disposed.</summary>
    public static implicit operator ModelInputs(Tensor activations) => new(activations);

    /// <summary>The same rows, further on in the network.</summary>
    public ModelInputs With(Tensor activations) => new(activations, Beside);

    /// <summary>Disposes all tensors.</summary>
    public void Dispose()
    {
        Activations.Dispose();
        foreach (var tensor in Beside.Values)
            tensor.Dispose();
    }
}
