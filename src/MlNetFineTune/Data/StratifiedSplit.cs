using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>Stratified split of rows in two parts: the same fraction of every class. Rows of one group stay together.</summary>
internal static class StratifiedSplit
{
    /// <returns>
    /// Indices in ascending order. Without groups, the row of a class of one goes to training, and a class of two or more has at least one
    /// row in each part.
    /// </returns>
    public static (int[] Training, int[] Validation) Split(LabeledData rows, LabelSource labels, float share, long seed) =>
        Split([.. Enumerable.Range(0, rows.Count).Select(row => labels.StratumOf(rows.LabelOf(row)))], rows.Groups, labels.Strata,
            share, seed);

    internal static (int[] Training, int[] Validation) Split(int[] labels, string[]? groups, int classes, float share, long seed)
    {
        var chosen = groups is null ? ByClass(labels, classes, share, seed) : ByGroup(labels, groups, classes, share, seed);
        return ([.. Enumerable.Range(0, labels.Length).Where(row => !chosen.Contains(row))], [.. chosen.Order()]);
    }

    private static HashSet<int> ByClass(int[] labels, int classes, float share, long seed)
    {
        var chosen = new HashSet<int>();
        var rowsOf = Enumerable.Range(0, labels.Length).ToLookup(row => labels[row]);
        for (var c = 0; c < classes; c++)
        {
            var members = rowsOf[c].ToArray();
            if (members.Length < 2)
                continue;
            new CountedRandom(seed, RandomStream.Split, epoch: 0, ordinal: c).Shuffle(members);
            var count = Math.Clamp((int)Math.Round(members.Length * (double)share), 1, members.Length - 1);
            chosen.UnionWith(members.Take(count));
        }
        return chosen;
    }

    // Takes groups in random order as long as they bring the class counts closer to their targets.
    private static HashSet<int> ByGroup(int[] labels, string[] groups, int classes, float share, long seed)
    {
        var missing = new double[classes];
        foreach (var label in labels)
            missing[label] += share;

        var members = Enumerable.Range(0, labels.Length).GroupBy(row => groups[row], StringComparer.Ordinal)
            .Select(group => group.ToArray()).ToArray();
        var order = Enumerable.Range(0, members.Length).ToArray();
        new CountedRandom(seed, RandomStream.Split, epoch: 0, ordinal: 0).Shuffle(order);

        var chosen = new HashSet<int>();
        foreach (var group in order.Select(index => members[index]))
        {
            var counts = new int[classes];
            foreach (var row in group)
                counts[labels[row]]++;
            var before = missing.Sum(Math.Abs);
            var after = missing.Zip(counts, (m, n) => Math.Abs(m - n)).Sum();
            if (after >= before)
                continue;
            chosen.UnionWith(group);
            for (var c = 0; c < classes; c++)
                missing[c] -= counts[c];
        }
        return chosen;
    }
}
