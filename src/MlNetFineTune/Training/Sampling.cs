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
    /// All classes about equally often: an epoch has as many places as there are training rows, and of k classes each has a k-th of them.
    /// Rare classes' rows come several times an epoch, frequent ones' wait for a later epoch. For labels with few rows of a class; the
    /// probabilities are then those of data with as many rows of each class, so calibrate or tune the threshold where they matter.
    /// <see cref="ClassWeights.Balanced"/> does the same in the loss: take one of the two. A row that comes twice in an epoch is augmented
    /// alike both times. Validation is as the data are. A task without classes (<see cref="LearningTask.Regression"/>) is an error, and
    /// so is one of several heads, of which <see cref="BalancedBy"/> names one.
    /// </summary>
    public static Sampling Balanced { get; } = new Balancing();

    /// <summary>
    /// The same by the classes of one of several heads (<see cref="LearningTask.Several"/>): <c>Sampling.BalancedBy("Species")</c>. Rows
    /// that lack its label are a kind of their own, with the same share as each class, so that they go on to train the other heads.
    /// </summary>
    /// <param name="labelColumnName">The label of the head. It must have classes.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static Sampling BalancedBy(string labelColumnName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        return new BalancingBy(labelColumnName);
    }

    /// <summary>Whether rows are taken by their class.</summary>
    internal virtual bool NeedsClasses => false;

    /// <summary>The label's column that was named; null where none was.</summary>
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
