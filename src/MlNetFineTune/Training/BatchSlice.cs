using MlNetFineTune.Data;
using MlNetFineTune.Processes;

namespace MlNetFineTune.Training;

/// <summary>The part of a batch that a process computes: consecutive rows, or the rows of consecutive pairs.</summary>
/// <param name="Rows">Its rows; none if the batch has fewer rows than there are processes.</param>
/// <param name="Counts">
/// For each row, whether it counts in this process. A row of several pairs may be in several slices, and counts in the first; null if all
/// do.
/// </param>
internal sealed record BatchSlice(int[] Rows, bool[]? Counts = null)
{
    /// <summary>What is read: the rows, and after them those with which they are mixed.</summary>
    public int[] Read { get; private init; } = Rows;

    /// <summary>How the batch is mixed; null if it is not.</summary>
    public MixPlan? Mixing { get; private init; }

    // For each row, the row with which it is mixed.
    private int[] Partners { get; init; } = [];

    /// <param name="batch">Rows of the batch.</param>
    /// <param name="pairs">Its pairs; null if its rows are trained one by one.</param>
    /// <param name="mixing">How the batch is mixed; null if it is not.</param>
    /// <param name="group">The processes.</param>
    public static BatchSlice Of(int[] batch, RowPair[]? pairs, MixPlan? mixing, ProcessGroup group)
    {
        if (!group.IsSeveral)
        {
            return mixing is null ? new BatchSlice(batch)
                : new BatchSlice(batch) { Mixing = mixing, Partners = [.. mixing.Partners.Select(place => batch[place])] };
        }
        if (pairs is not null)
            return OfPairs(pairs, group);
        var own = Slice.Of(batch.Length, group);
        if (mixing is null)
            return new BatchSlice(batch[own]);
        int[] partners = [.. mixing.Partners.Take(own).Select(place => batch[place])];
        var rows = batch[own];
        return new BatchSlice(rows) { Mixing = mixing, Partners = partners, Read = [.. rows, .. partners.Except(rows)] };
    }

    /// <summary>The rows of the slice among those that could be read.</summary>
    /// <param name="read">The rows of <see cref="Read"/> that could be read, in the same order.</param>
    public BatchSlice Readable(int[] read)
    {
        if (read.Length == Read.Length)
            return this;
        var places = new List<int>();
        var next = 0;
        for (var place = 0; place < Rows.Length && next < read.Length; place++)
        {
            if (read[next] != Rows[place])
                continue;
            places.Add(place);
            next++;
        }
        return new BatchSlice([.. places.Select(place => Rows[place])], Counts is null ? null : [.. places.Select(place => Counts[place])])
        {
            Read = read,
            Mixing = Mixing,
            Partners = Mixing is null ? [] : [.. places.Select(place => Partners[place])],
        };
    }

    /// <summary>
    /// For each row of <see cref="Read"/>, the index there of its partner: itself if it is not of the slice, or if the partner could not be
    /// read.
    /// </summary>
    public int[] PlacesOfPartners()
    {
        if (Mixing is null)
            return [];
        var places = new Dictionary<int, int>();
        foreach (var (place, row) in Read.Index())
            places.TryAdd(row, place); // equal rows are equal pictures
        return [.. Read.Select((_, place) => place < Rows.Length ? places.GetValueOrDefault(Partners[place], place) : place)];
    }

    // The same in all processes, so that each row counts in one of them.
    private static BatchSlice OfPairs(RowPair[] pairs, ProcessGroup group)
    {
        var before = RowsOf(pairs[..Slice.Of(pairs.Length, group).Start]).ToHashSet();
        int[] rows = [.. RowsOf(pairs[Slice.Of(pairs.Length, group)]).Distinct()];
        return new BatchSlice(rows, Array.ConvertAll(rows, row => !before.Contains(row)));
    }

    private static IEnumerable<int> RowsOf(RowPair[] pairs) => pairs.SelectMany(pair => (int[])[pair.First, pair.Second]);
}
