using System.Security.Cryptography;
using MlNetFineTune.Primitives;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune.Training;

/// <summary>
/// Compares the weights of the processes after each epoch. They make the same steps with the same sums, so that every bit is equal; a
/// processor that computes otherwise, or code of a user's that draws its own random numbers, would go unnoticed.
/// </summary>
internal static class WeightAgreement
{
    /// <exception cref="ProcessGroupException">Weights or running statistics differ between processes.</exception>
    public static void Require(TrainingRun run, int epoch)
    {
        var processes = run.Processes;
        if (!processes.IsSeveral)
            return;
        processes.Position = FormattableString.Invariant($"epoch {epoch}, comparing the weights");
        Span<byte> own = stackalloc byte[ContentHash.Size];
        HashOf(run).Write(own);
        var all = Array.ConvertAll(processes.Gather(own), bytes => ContentHash.Read(bytes));
        int[] others = [.. all.Index().Where(other => other.Item != all[0]).Select(other => other.Index)];
        if (others.Length == 0)
            return;
        throw AgreedFailure.Of(new ProcessGroupException(
            $"After epoch {epoch} the weights of process {string.Join(", ", others)} are not those of process 0 (of {all.Length}). All "
            + "make the same steps, so that one computes otherwise: look for processors of different kinds, different versions of "
            + "libtorch, or layers of your own that draw random numbers or keep state."));
    }

    // Of what the training changes, running statistics included.
    private static ContentHash HashOf(TrainingRun run)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var sink = new HashingStream(Stream.Null, hash);
        foreach (var (_, tensor) in run.Plan.ChangingTensors(run.Network))
            SafeTensorsWriter.WriteNumbers(sink, tensor);
        return ContentHash.Take(hash);
    }
}
