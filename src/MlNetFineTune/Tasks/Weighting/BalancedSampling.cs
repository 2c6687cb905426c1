using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Tasks;

/// <summary>
/// An order of the training rows in which all classes come about equally often: an epoch has as many places as there are rows, and they go
/// to the classes in turn, so that of k classes each has a k-th of them, give or take one. Rare classes' rows come several times an epoch,
/// and of frequent classes some rows are left for later epochs. Random numbers are counted (seed, epoch, class), so the order of an epoch
/// depends on nothing that came before.
/// </summary>
/// <remarks>
/// <para>A class's rows are gone through in rounds, each shuffled anew, so that no row comes again before all of its class have come. A
/// class with no more rows than places begins its rounds with every epoch: each of its rows comes in every epoch. A larger class continues
/// its rounds from epoch to epoch, so that none of its rows is forgotten; where a round ends within an epoch, a row may come at the end of
/// one and the beginning of the next.</para>
/// <para>Of rows with several labels each label is a class, and so are the rows that have none. A row is drawn for one of its labels and
/// brings the others along: every label comes in at least its share of the places, and labels that occur together with rare ones in more.
/// </para>
/// </remarks>
internal sealed class BalancedSampling
{
    private readonly int[][] _classes;
    private readonly int _rows;

    private BalancedSampling(List<int>[] classes, int rows) =>
        (_classes, _rows) = ([.. classes.Where(members => members.Count > 0).Select(members => members.ToArray())], rows);

    /// <param name="classes">Of each row, from 0. Classes without rows have no places.</param>
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
    /// <param name="labelCount">Labels of a row.</param>
    /// <exception cref="ArgumentException">These are no whole rows.</exception>
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
    /// <param name="epoch">From 0.</param>
    /// <returns>As many rows as there are, shuffled; rows come several times or not at all.</returns>
    public int[] Order(long seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        var order = new List<int>(_rows);
        for (var index = 0; index < _classes.Length; index++)
        {
            // Places are numbered through all epochs, and the p-th goes to class p mod k, for the (p div k)-th time.
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

    // Times from..to of the endless rounds of a class; the number of the round takes the place of the epoch.
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
