using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>The training rows of an epoch and their order. Random numbers depend only on seed and epoch.</summary>
public abstract record Sampling
{
    private Sampling()
    {
    }

    /// <summary>Every row once, in random order. The default.</summary>
    public static Sampling Shuffled { get; } = new ShuffledSampling();

    /// <summary>
    /// Class-balanced sampling, against class imbalance: an epoch has as many rows as there are training rows, with equal frequencies of
    /// all classes (for <see cref="LearningTask.MultiLabel"/>: labels). Rows of rare classes are repeated within an epoch, rows of frequent
    /// classes are distributed over several epochs. Predicted probabilities are those for equal class frequencies: calibrate or tune the
    /// threshold if they matter. <see cref="ClassWeights.Balanced"/> has a similar effect in the loss: use one of the two. A row that is
    /// repeated within an epoch has the same augmentation each time. Validation is not affected. Tasks without classes
    /// (<see cref="LearningTask.Regression"/>) are an error; for several heads (<see cref="LearningTask.Several"/>) use
    /// <see cref="BalancedBy"/>.
    /// </summary>
    public static Sampling Balanced { get; } = new Balancing();

    /// <summary>
    /// Class-balanced sampling by the classes of one of several heads (<see cref="LearningTask.Several"/>):
    /// <c>Sampling.BalancedBy("Species")</c>. Rows without its label form one more class with the same frequency, so that they still train
    /// the other heads.
    /// </summary>
    /// <param name="labelColumnName">Name of the label column of the head, which must have classes.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static Sampling BalancedBy(string labelColumnName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        return new BalancingBy(labelColumnName);
    }

    /// <summary>Whether sampling depends on classes.</summary>
    internal virtual bool NeedsClasses => false;

    /// <summary>The named label column; null for none.</summary>
    internal virtual string? Label => null;

    /// <summary>The rows of an epoch, in order.</summary>
    /// <param name="rows">The readable rows. May be changed.</param>
    /// <param name="balance">Creates the balanced order of the rows.</param>
    /// <param name="seed">Seed of the training.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    internal abstract int[] Order(int[] rows, Func<IReadOnlyList<int>, BalancedSampling>? balance, long seed, int epoch);

    private sealed record ShuffledSampling : Sampling
    {
        internal override int[] Order(int[] rows, Func<IReadOnlyList<int>, BalancedSampling>? balance, long seed, int epoch)
        {
            new CountedRandom(seed, RandomStream.Shuffle, epoch, ordinal: 0).Shuffle(rows);
            return rows;
        }

        public override string ToString() => nameof(Shuffled);
    }

    private sealed record Balancing : Sampling
    {
        internal override bool NeedsClasses => true;

        internal override int[] Order(int[] rows, Func<IReadOnlyList<int>, BalancedSampling>? balance, long seed, int epoch) =>
            BalancedOrder(rows, balance!, seed, epoch);

        public override string ToString() => nameof(Balanced);
    }

    private sealed record BalancingBy(string LabelColumnName) : Sampling
    {
        internal override bool NeedsClasses => true;

        internal override string Label => LabelColumnName;

        internal override int[] Order(int[] rows, Func<IReadOnlyList<int>, BalancedSampling>? balance, long seed, int epoch) =>
            BalancedOrder(rows, balance!, seed, epoch);

        public override string ToString() => $"{nameof(BalancedBy)}({LabelColumnName})";
    }

    private static int[] BalancedOrder(int[] rows, Func<IReadOnlyList<int>, BalancedSampling> balance, long seed, int epoch) =>
        Array.ConvertAll(balance(rows).Order(seed, epoch - 1), place => rows[place]);
}
