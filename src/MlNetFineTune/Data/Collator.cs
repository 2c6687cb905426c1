using MlNetFineTune.Networks;

namespace MlNetFineTune.Data;

/// <summary>Encoded samples, as <see cref="Dataset.Encode"/> writes them, to a network's named input tensors on its device.</summary>
internal abstract class Collator : IDisposable
{
    /// <summary>Makes the input of one batch. Samples of different length are padded to the longest of the batch.</summary>
    /// <param name="samples">One sample after another, each in <see cref="ModelInput.Length"/> bytes; may be longer.</param>
    /// <param name="count">Samples.</param>
    /// <returns>The caller disposes it.</returns>
    public abstract ModelInputs Collate(ReadOnlySpan<byte> samples, int count);

    public abstract void Dispose();
}
