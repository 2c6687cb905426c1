using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>Converts encoded samples of <see cref="Dataset.Encode"/> to a network's named input tensors on its device.</summary>
internal abstract class Collator : IDisposable
{
    /// <summary>Creates the input of one batch. Samples of different length are padded to the longest of the batch.</summary>
    /// <param name="samples">The samples, each of <see cref="ModelInput.Length"/> bytes; the span may be longer.</param>
    /// <param name="count">Number of samples.</param>
    /// <returns>The caller disposes it.</returns>
    public abstract ModelInputs Collate(ReadOnlySpan<byte> samples, int count);

    /// <summary>Number of steps of a sample, if samples of similar length should be computed together; null if all are equal.</summary>
    public virtual int? StepsOf(ReadOnlySpan<byte> sample) => null;

    /// <summary>Creates the tensors beside the activations from <see cref="Dataset.EncodeBeside"/>.</summary>
    /// <param name="beside">The encoded rows.</param>
    /// <param name="count">Number of rows.</param>
    /// <returns>The tensors by name; empty if the input has one part. The caller disposes them.</returns>
    public virtual IReadOnlyDictionary<string, Tensor> CollateBeside(ReadOnlySpan<byte> beside, int count) =>
        new Dictionary<string, Tensor>();

    public abstract void Dispose();
}
