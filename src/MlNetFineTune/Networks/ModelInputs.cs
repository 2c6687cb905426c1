using static TorchSharp.torch;

namespace MlNetFineTune.Networks;

/// <summary>
/// The input of a network for one batch: the tensor that flows through the stages (pixels; in the middle of the network, what the stages
/// before gave), and by name the tensors that stand beside it and that any stage or the head may read (a table, a mask).
/// </summary>
/// <param name="activations">Rows in the first dimension.</param>
/// <param name="beside">The same rows. None by default.</param>
/// <param name="trainingRows">The rows in training; null elsewhere.</param>
internal sealed class ModelInputs(
    Tensor activations, IReadOnlyDictionary<string, Tensor>? beside = null, TrainingRows? trainingRows = null) : IDisposable
{
    private static readonly Dictionary<string, Tensor> s_none = [];

    public Tensor Activations { get; } = activations;

    public IReadOnlyDictionary<string, Tensor> Beside { get; } = beside ?? s_none;

    public TrainingRows? TrainingRows { get; } = trainingRows;

    /// <summary>[N]: number of windows in which each row is read; null if every row is read as a whole.</summary>
    public int[]? Windows { get; init; }

    public long Rows => Activations.shape[0];

    /// <summary>The input of a network that takes one tensor. The tensor stays the caller's, unless this is disposed.</summary>
    public static implicit operator ModelInputs(Tensor activations) => new(activations);

    /// <summary>The same rows, further on in the network.</summary>
    public ModelInputs With(Tensor activations) => new(activations, Beside, TrainingRows) { Windows = Windows };

    /// <summary>The same tensors with the rows in training.</summary>
    public ModelInputs With(TrainingRows rows) => new(Activations, Beside, rows with { Windows = Windows }) { Windows = Windows };

    /// <summary>Disposes all tensors.</summary>
    public void Dispose()
    {
        Activations.Dispose();
        foreach (var tensor in Beside.Values)
            tensor.Dispose();
    }
}
