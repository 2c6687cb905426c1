using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// The part of an augmentation that acts on normalised pixels on the device: first erasing, with random numbers by epoch and row, then
/// mixing, with random numbers by epoch and batch.
/// </summary>
/// <param name="augmentation">
/// The augmentation. Its operations on single pictures are ignored here: they were applied when decoding.
/// </param>
/// <param name="seed">Seed of the training.</param>
/// <param name="epochs">Number of epochs, for those without mixing at the end.</param>
internal sealed class BatchAugmentation(Augmentation augmentation, long seed, int epochs)
{
    private readonly RandomErasing[] _erasing = [.. augmentation.Operations.OfType<RandomErasing>()];
    private readonly IMixing[] _mixing = [.. augmentation.Operations.OfType<IMixing>()];

    /// <summary>Draws how a batch is mixed.</summary>
    /// <param name="count">Number of its rows, whether they can be read or not.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="batch">Number of the batch in the epoch.</param>
    /// <returns>Null if it is not mixed.</returns>
    public MixPlan? Plan(int count, int epoch, int batch)
    {
        if (_mixing.Length == 0)
            return null;
        var random = new CountedRandom(seed, RandomStream.Mixing, epoch, batch);
        if (Choose(epoch, ref random) is not { } mixing)
            return null;
        var order = Enumerable.Range(0, count).ToArray();
        random.Shuffle(order);
        return new MixPlan(mixing, order, random);
    }

    /// <summary>Changes pictures of a batch in place.</summary>
    /// <param name="pixels">[N, 3, H, W], channels-last.</param>
    /// <param name="rows">[N]: the numbers that stand for the rows in their random numbers.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="plan">How the batch is mixed; null if it is not.</param>
    /// <param name="partners">[N]: for each picture, the index of its partner in <paramref name="pixels"/>.</param>
    /// <returns>The weight of each picture's own label; null if they were not mixed.</returns>
    public double? Apply(Tensor pixels, ReadOnlySpan<int> rows, int epoch, MixPlan? plan, int[] partners)
    {
        if (_erasing.Length == 0 && plan is null)
            return null; // the input may have any shape
        using var scope = NewDisposeScope();
        var lines = pixels.permute(0, 2, 3, 1); // [N, 3, H, W] -> [N, H, W, 3], contiguous
        if (_erasing.Length > 0)
            Erase(lines, rows, epoch);
        return plan?.Mix(lines, partners);
    }

    private void Erase(Tensor lines, ReadOnlySpan<int> rows, int epoch)
    {
        for (var i = 0; i < rows.Length; i++)
        {
            var random = new CountedRandom(seed, RandomStream.Erasing, epoch, rows[i]);
            using var picture = lines.narrow(0, i, 1);
            foreach (var erasing in _erasing)
                erasing.Erase(picture, ref random);
        }
    }

    /// <summary>
    /// Draws one of the operations that mix in this epoch, with equal probability, and applies that operation's own probability.
    /// </summary>
    internal IMixing? Choose(int epoch, ref CountedRandom random)
    {
        var active = _mixing.Where(mixing => epoch <= epochs - mixing.PlainEpochs).ToList();
        if (active.Count == 0)
            return null;
        var chosen = active[random.NextInt(active.Count)];
        return random.NextDouble() < chosen.Probability ? chosen : null;
    }

    /// <exception cref="ArgumentException">An operation would never mix.</exception>
    public static void Check(Augmentation augmentation, int epochs)
    {
        foreach (var mixing in augmentation.Operations.OfType<IMixing>())
        {
            if (mixing.PlainEpochs >= epochs)
            {
                var name = mixing.GetType().Name;
                throw new ArgumentException(
                    $"plainEpochs of {name} is {mixing.PlainEpochs}, but there are {epochs} epochs (Epochs): it would never mix. "
                    + $"Lower plainEpochs, or leave {name} out.",
                    nameof(augmentation));
            }
        }
    }

    public static void CheckMixing(float alpha, float probability)
    {
        if (!(alpha > 0 && float.IsFinite(alpha)))
            throw new ArgumentOutOfRangeException(nameof(alpha), alpha, "Alpha must be above 0.");
        if (!(probability is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "A probability must be between 0 and 1.");
    }

    public static int CheckPlainEpochs(int plainEpochs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plainEpochs);
        return plainEpochs;
    }
}
