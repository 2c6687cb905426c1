using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>The contents of a checkpoint from which a training is resumed.</summary>
internal interface ICheckpointContents : IDisposable
{
    CheckpointState State { get; }

    bool Has(string name);

    /// <returns>Null if there is no such tensor.</returns>
    long[]? ShapeOf(string name);

    /// <summary>Copies tensors, which must have these names and shapes.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    void ReadInto(IEnumerable<(string Name, Tensor Tensor)> targets);
}
