using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tasks;

/// <summary>
/// A sampling order of the training rows in which all classes are equally frequent: an epoch has as many positions as there are rows,
/// assigned to the k classes in turn, so that each has 1/k of them, up to one. Rows of rare classes are repeated in an epoch, and some rows
/// of frequent classes are used in later epochs. Random numbers depend on seed, epoch and class only, so that the order of an epoch is
/// independent of earlier epochs.
/// </summary>
/// <remarks>
/// <para>The rows of a class are used in rounds, each shuffled anew, so that no row repeats before all rows of its class were used. A class
/// with no more rows than positions starts a new round in every epoch, so that each of its rows is used in every epoch. A larger class
/// continues its rounds across epochs, so that all its rows are used; at the boundary of two rounds a row may repeat within an
/// epoch.</para>
/// <para>For multi-label rows each label is a class, and the rows without labels are one more. A row is drawn for one of its labels but has
/// its other labels too: every label has at least its share of the positions, and labels that occur together with rare ones have more.
/// </para>
/// </remarks>
internal sealed class BalancedSampling
{
    private readonly int[][] _classes;
    private readonly int _rows;

    private BalancedSampling(List<int>[] classes, int rows) =>
        (_classes, _rows) = ([.. classes.Where(members => members.Count > 0).Select(members => members.ToArray())], rows);

    /// <param name="classes">Class of each row, from 0. Classes without rows have no positions.</param>
    /// <exception cref="ArgumentOutOfRangeException">A class is negative.</exception>
    public static BalancedSampling OfClasses(ReadOnlySpan<int> classes)
    {
        var most = -1;
        foreach (var index in classes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(classes));
            most = Math.Max(most, index);
        }
        var members = Lists(most + 1);
        for (var row = 0; row < classes.Length; row++)
            members[classes[row]].Add(row);
        return new(members, classes.Length);
    }

    /// <param name="labels">[rows, labels] in row-major order: whether each row has each label.</param>
    /// <param name="labelCount">Number of labels.</param>
    /// <exception cref="ArgumentException">The number of labels is not a multiple of <paramref name="labelCount"/>.</exception>
    public static BalancedSampling OfLabels(ReadOnlySpan<bool> labels, int labelCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(labelCount);
        if (labels.Length % labelCount != 0)
            throw new ArgumentException($"{labels.Length} labels are no rows of {labelCount}.", nameof(labels));
        var members = Lists(labelCount + 1);
        for (var row = 0; row * labelCount < labels.Length; row++)
        {
            var ofRow = labels.Slice(row * labelCount, labelCount);
            for (var label = 0; label < labelCount; label++)
            {
                if (ofRow[label])
                    members[label].Add(row);
            }
            if (!ofRow.Contains(true))
                members[labelCount].Add(row);
        }
        return new(members, labels.Length / labelCount);
    }

    /// <param name="seed">Seed of the training.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <returns>As many shuffled indices as there are rows; rows may repeat or be missing.</returns>
    public int[] Order(long seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        var order = new List<int>(_rows);
        for (var index = 0; index < _classes.Length; index++)
        {
            // Positions are numbered across epochs; position p belongs to class p mod k, as its (p div k)-th.
            var from = TimesBefore((long)epoch * _rows, index);
            var to = TimesBefore((long)(epoch + 1) * _rows, index);
            if (_classes[index].Length <= _rows / _classes.Length)
                AddRounds(order, seed, epoch, index, (int)(to - from));
            else
                AddWindow(order, seed, index, from, to);
        }
        var shuffled = order.ToArray();
        new CountedRandom(seed, RandomStream.BalancedSampling, epoch, _classes.Length).Shuffle(shuffled);
        return shuffled;
    }

    private long TimesBefore(long place, int index) => (place - index + _classes.Length - 1) / _classes.Length;

    private void AddRounds(List<int> order, long seed, int epoch, int index, int places)
    {
        var random = new CountedRandom(seed, RandomStream.BalancedSampling, epoch, index);
        var round = _classes[index].ToArray();
        for (var left = places; left > 0; left -= round.Length)
        {
            random.Shuffle(round);
            order.AddRange(round.AsSpan(0, Math.Min(left, round.Length)));
        }
    }

    // Positions from..to of the sequence of rounds of a class; the number of the round replaces the epoch in the random numbers.
    private void AddWindow(List<int> order, long seed, int index, long from, long to)
    {
        var size = _classes[index].Length;
        for (var at = from; at < to;)
        {
            var (number, first) = ((int)(at / size), (int)(at % size));
            var count = (int)Math.Min(size - first, to - at);
            var round = _classes[index].ToArray();
            new CountedRandom(seed, RandomStream.BalancedSampling, number, index).Shuffle(round);
            order.AddRange(round.AsSpan(first, count));
            at += count;
        }
    }

    private static List<int>[] Lists(int count) => [.. Enumerable.Range(0, count).Select(_ => new List<int>())];
}
