using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>Rows' bytes, as <see cref="InputRows.Encode"/> writes them, to a network's input on its device.</summary>
internal abstract class Intake : IDisposable
{
    /// <param name="rows">One row after another; may be longer.</param>
    /// <param name="count">Rows.</param>
    /// <returns>[count, ...]. Caller disposes.</returns>
    public abstract Tensor ToTensor(ReadOnlySpan<byte> rows, int count);

    public abstract void Dispose();
}
