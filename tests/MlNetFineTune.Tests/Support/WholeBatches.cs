using MlNetFineTune.Data;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Support;

internal static class WholeBatches
{
    /// <summary>Changes a batch that one process reads as a whole.</summary>
    /// <returns>How it was mixed, by row; null if it was not.</returns>
    public static Mix? Apply(this BatchAugmentation augmentation, Tensor pixels, int[] rows, int epoch, int batch)
    {
        var plan = augmentation.Plan(rows.Length, epoch, batch);
        int[] partners = [.. plan?.Partners ?? []];
        return augmentation.Apply(pixels, rows, epoch, plan, partners) is { } share
            ? new Mix(Array.ConvertAll(partners, place => rows[place]), share)
            : null;
    }
}
