using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// Splits multi-label rows in two so that each side has its share of every label (Sechidis, Tsoumakas and Vlahavas 2011, "On the
/// Stratification of Multi-label Data", https://doi.org/10.1007/978-3-642-23808-6_10). The label with the fewest remaining rows is split
/// first, because frequent labels can be balanced later: each of its rows goes to the side with the largest remaining demand for it. Rows
/// of one group stay together.
/// </summary>
/// <remarks>
/// Beyond the paper: rows without labels are treated as a label of their own; demands are integers, and for a label with at least two rows
/// or groups each side demands at least one row, so that a rare label is on both sides unless other labels of its rows prevent it.
/// </remarks>
internal static class IterativeStratification
{
    /// <param name="labels">[rows, labels] in row-major order: whether each row has each label.</param>
    /// <param name="labelCount">Number of labels.</param>
    /// <param name="groups">Rows with equal text stay together; null without groups.</param>
    /// <param name="share">Fraction of validation. Above 0, below 1.</param>
    /// <param name="seed">Seed of the order of the rows.</param>
    /// <returns>Indices in ascending order.</returns>
    public static (int[] Training, int[] Validation) Split(bool[] labels, int labelCount, string[]? groups, float share, long seed)
    {
        var rows = labels.Length / labelCount;
        var units = groups is null
            ? [.. Enumerable.Range(0, rows).Select(row => (int[])[row])]
            : Enumerable.Range(0, rows).GroupBy(row => groups[row], StringComparer.Ordinal).Select(group => group.ToArray()).ToArray();
        var order = Enumerable.Range(0, units.Length).ToArray();
        new CountedRandom(seed, RandomStream.Split, epoch: 0, ordinal: 0).Shuffle(order);
        units = Array.ConvertAll(order, index => units[index]);

        var chosen = new HashSet<int>();
        var part = new Parting(
            [.. units.Select(unit => KindsOf(labels, labelCount, unit))], [.. units.Select(unit => unit.Length)], labelCount + 1, share);
        for (var kind = part.RarestKind(); kind >= 0; kind = part.RarestKind())
        {
            foreach (var unit in part.Take(kind))
            {
                if (part.GoesToValidation(unit, kind))
                    chosen.UnionWith(units[unit]);
            }
        }
        return ([.. Enumerable.Range(0, rows).Where(row => !chosen.Contains(row))], [.. chosen.Order()]);
    }

    // Number of rows of a unit for each of its kinds: its labels, and one more kind for rows without labels.
    private static (int Kind, int Rows)[] KindsOf(bool[] labels, int labelCount, int[] unit) => [.. unit
        .SelectMany(row => Kinds(labels.AsMemory(row * labelCount, labelCount)))
        .CountBy(kind => kind).Select(count => (count.Key, count.Value))];

    private static IEnumerable<int> Kinds(ReadOnlyMemory<bool> ofRow) => ofRow.Span.Contains(true)
        ? Enumerable.Range(0, ofRow.Length).Where(label => ofRow.Span[label])
        : [ofRow.Length];

    /// <summary>The remaining units and the remaining demand of each side.</summary>
    private sealed class Parting
    {
        private readonly (int Kind, int Rows)[][] _units;
        private readonly int[] _sizes;
        private readonly List<int>[] _unitsOf;
        private readonly int[] _left;
        private readonly bool[] _isTaken;
        private readonly (double Training, double Validation)[] _wanted;
        private (double Training, double Validation) _wantedRows;

        public Parting((int Kind, int Rows)[][] units, int[] sizes, int kinds, float share)
        {
            (_units, _sizes) = (units, sizes);
            _unitsOf = [.. Enumerable.Range(0, kinds).Select(_ => new List<int>())];
            _isTaken = new bool[units.Length];
            var rowsOf = new int[kinds];
            foreach (var (unit, ofUnit) in units.Index())
            {
                foreach (var (kind, count) in ofUnit)
                {
                    _unitsOf[kind].Add(unit);
                    rowsOf[kind] += count;
                }
            }
            _left = [.. _unitsOf.Select(ofKind => ofKind.Count)];
            _wanted = [.. rowsOf.Select((count, kind) => Wanted(count, _left[kind], share))];
            _wantedRows = (sizes.Sum() * (1.0 - share), sizes.Sum() * (double)share);
        }

        /// <summary>The kind with the fewest remaining rows; the first of equals; -1 if no units remain.</summary>
        public int RarestKind()
        {
            var rarest = -1;
            for (var kind = 0; kind < _left.Length; kind++)
            {
                if (_left[kind] > 0 && (rarest < 0 || _left[kind] < _left[rarest]))
                    rarest = kind;
            }
            return rarest;
        }

        /// <summary>The remaining units of a kind.</summary>
        public IEnumerable<int> Take(int kind)
        {
            foreach (var unit in _unitsOf[kind].Where(unit => !_isTaken[unit]))
            {
                _isTaken[unit] = true;
                foreach (var (ofUnit, _) in _units[unit])
                    _left[ofUnit]--;
                yield return unit;
            }
        }

        /// <summary>The side with the larger demand for the kind; of equals, for rows.</summary>
        public bool GoesToValidation(int unit, int kind)
        {
            var byKind = _wanted[kind].Validation.CompareTo(_wanted[kind].Training);
            var isValidation = byKind != 0 ? byKind > 0 : _wantedRows.Validation > _wantedRows.Training;
            foreach (var (ofUnit, count) in _units[unit])
                _wanted[ofUnit] = Less(_wanted[ofUnit], count, isValidation);
            _wantedRows = Less(_wantedRows, _sizes[unit], isValidation);
            return isValidation;
        }

        private static (double Training, double Validation) Less(
            (double Training, double Validation) wanted, int count, bool isValidation) =>
            isValidation ? (wanted.Training, wanted.Validation - count) : (wanted.Training - count, wanted.Validation);

        private static (double Training, double Validation) Wanted(int rows, int units, double share)
        {
            var validation = units < 2 ? 0 : Math.Clamp(Math.Round(rows * share), 1, rows - 1);
            return (rows - validation, validation);
        }
    }
}
