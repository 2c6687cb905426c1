using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Data;

/// <summary>Records the rows that could not be read, and ends the training when they exceed the policy's limit.</summary>
internal sealed class BadRowLog(BadRows policy, IChannel channel)
{
    // Training data and a separate validation set number their rows independently, and the limit applies to each.
    private readonly Dictionary<LabeledData, SortedDictionary<int, (BadRows.Row Bad, int Epoch)>> _bad = [];

    /// <summary>The current epoch, from 1.</summary>
    public int Epoch { get; set; }

    /// <summary>The bad rows of a source, in the order of the data.</summary>
    public IReadOnlyList<BadRows.Row> RowsOf(LabeledData source) => [.. Of(source).Values.Select(known => known.Bad)];

    /// <summary>Whether a row was found bad before an epoch began.</summary>
    public bool Contains(LabeledData source, int row, int epoch) => Of(source).TryGetValue(row, out var known) && known.Epoch < epoch;

    /// <exception cref="InvalidDataException">The policy does not allow another bad row.</exception>
    public void Add(LabeledData source, int row, string reason)
    {
        if (!Keep(source, row, reason, Epoch))
            return;
        var rows = Of(source);
        var bad = rows[row].Bad;
        if (policy.MaximumFraction == 0)
            throw new InvalidDataException(
                $"The {source.Inputs.Noun} of {bad}. Mend or remove it, or set BadRows = BadRows.Skip() to train without such rows.");
        channel.Warning($"Left out {bad}.");
        if (rows.Count > policy.MaximumFraction * source.Count)
        {
            throw new InvalidDataException(
                $"{rows.Count} of {source.Count} {source.Inputs.Noun}s could not be read, more than BadRows.{policy} allows. "
                    + $"Some of them: {string.Join("; ", RowsOf(source).Take(5))}.");
        }
    }

    /// <summary>The bad rows for a checkpoint.</summary>
    public IEnumerable<KnownBadRow> Known(LabeledData source, bool ofValidationSet) =>
        Of(source).Select(known => new KnownBadRow(ofValidationSet, known.Key, known.Value.Bad.Reason, known.Value.Epoch));

    /// <summary>Restores a row of a checkpoint, without checking the limit again.</summary>
    public void Restore(LabeledData source, KnownBadRow known) => Keep(source, known.Row, known.Reason, known.Epoch);

    private SortedDictionary<int, (BadRows.Row Bad, int Epoch)> Of(LabeledData source)
    {
        if (!_bad.TryGetValue(source, out var rows))
            _bad.Add(source, rows = []);
        return rows;
    }

    private bool Keep(LabeledData source, int row, string reason, int epoch) =>
        Of(source).TryAdd(row, (new BadRows.Row(source.Ordinals[row], source.Inputs.PathOf(row), reason), epoch));
}
