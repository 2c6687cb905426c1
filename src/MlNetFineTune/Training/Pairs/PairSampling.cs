using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>
/// Pairs of rows for contrastive training, drawn for each epoch from seed and epoch alone: every row begins one pair with a row of its
/// class, and one with a row of another class. Memory is that of the rows, and not of their pairs.
/// </summary>
/// <remarks>
/// <para>Pairs of the same class: the rows of a class are shuffled, and each is paired with the next, so that each is second once. A class
/// of one row has none.</para>
/// <para>Pairs of different classes: the rows of a class take all other rows in rounds, across epochs, so that none comes twice before all
/// came. A round is not shuffled but stepped through from a random place by a random step without a common divisor, which needs no list of
/// the other rows; who takes whom is random by the shuffle of the class.</para>
/// </remarks>
internal sealed class PairSampling
{
    private readonly int[] _rows; // class by class
    private readonly (int First, int Count)[] _classes;

    /// <param name="rows">Indices of the rows.</param>
    /// <param name="labels">The class of each; equal numbers are the same class.</param>
    public PairSampling(IReadOnlyList<int> rows, IReadOnlyList<float> labels)
    {
        var groups = rows.Zip(labels).GroupBy(row => row.Second, row => row.First).OrderBy(group => group.Key).ToList();
        _rows = [.. groups.SelectMany(group => group)];
        _classes = new (int, int)[groups.Count];
        var first = 0;
        foreach (var (index, group) in groups.Index())
        {
            _classes[index] = (first, group.Count());
            first += _classes[index].Count;
        }
    }

    /// <summary>The pairs of some training rows; those of weight 0 are in none.</summary>
    public static PairSampling Of(RowSubset training, IEnumerable<int> rows)
    {
        var paired = Weighty(training, [.. rows]);
        return new PairSampling(paired, training.LabelsOf(paired));
    }

    /// <summary>Checks before a training that there are pairs of the same class, and names classes that have none.</summary>
    /// <param name="training">The training rows.</param>
    /// <param name="textOf">The name of a class by its label.</param>
    /// <param name="channel">Receives the warning.</param>
    /// <exception cref="InvalidOperationException">No class has two rows.</exception>
    public static void Check(RowSubset training, Func<float, string> textOf, IChannel channel)
    {
        var counts = training.LabelsOf(Weighty(training, training.Rows)).CountBy(label => label).ToList();
        var single = counts.Where(ofClass => ofClass.Value == 1).Select(ofClass => textOf(ofClass.Key)).ToList();
        if (single.Count == 0)
            return;
        if (single.Count == counts.Count)
        {
            throw new InvalidOperationException(
                $"Strategy.ContrastiveThenProbe compares rows of the same class, and each of the {counts.Count} classes has one training "
                + "row: give at least one class more rows, or take Strategy.HeadOnly.");
        }
        channel.Warning(
            $"{single.Count} of {counts.Count} classes have one training row, which is in no pair of the same class: "
            + $"{string.Join(", ", single.Take(10))}{(single.Count > 10 ? $" and {single.Count - 10} more" : "")}.");
    }

    /// <param name="seed">Seed of the training.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <returns>The pairs of the epoch in random order.</returns>
    public RowPair[] Draw(long seed, int epoch)
    {
        var pairs = new List<RowPair>(2 * _rows.Length);
        foreach (var (index, (first, count)) in _classes.Index())
        {
            var members = _rows.AsSpan(first, count).ToArray();
            new CountedRandom(seed, RandomStream.Pairs, epoch, index).Shuffle<int>(members);
            var others = new OtherRows(this, index, seed);
            for (var i = 0; i < count; i++)
            {
                if (count > 1)
                    pairs.Add(new RowPair(members[i], members[(i + 1) % count], SameClass: true));
                if (others.Count > 0)
                    pairs.Add(new RowPair(members[i], others.At((epoch - 1L) * count + i), SameClass: false));
            }
        }
        var shuffled = pairs.ToArray();
        new CountedRandom(seed, RandomStream.Pairs, epoch, _classes.Length).Shuffle<RowPair>(shuffled);
        return shuffled;
    }

    private static int[] Weighty(RowSubset training, int[] rows) => training.WeightsOf(rows) is { } weights
        ? [.. rows.Where((_, place) => weights[place] > 0)]
        : rows;

    /// <summary>The rows of all classes but one, in an endless sequence of rounds.</summary>
    private sealed class OtherRows(PairSampling all, int index, long seed)
    {
        private readonly (int First, int Count) _class = all._classes[index];
        private int _round = -1;
        private long _begin;
        private long _step;

        public int Count => all._rows.Length - _class.Count;

        public int At(long place)
        {
            if (_round != (int)(place / Count))
                Begin((int)(place / Count));
            var other = (int)((_begin + place % Count * _step) % Count);
            return all._rows[other < _class.First ? other : other + _class.Count];
        }

        private void Begin(int round)
        {
            var random = new CountedRandom(seed, RandomStream.PairRounds, round, index);
            _round = round;
            _begin = random.NextInt(Count);
            do
                _step = 1 + random.NextInt(Count);
            while (GreatestCommonDivisor(_step, Count) != 1);
        }

        private static long GreatestCommonDivisor(long first, long second) =>
            second == 0 ? first : GreatestCommonDivisor(second, first % second);
    }
}
