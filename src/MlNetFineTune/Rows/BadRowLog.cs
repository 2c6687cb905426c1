using Microsoft.ML.Runtime;

namespace MlNetFineTune.Rows;

/// <summary>Keeps what could not be read, and ends the training when it is too much.</summary>
internal sealed class BadRowLog(BadRows policy, IChannel channel)
{
    // Training data and a validation set of their own number their rows each for itself, and are judged apart.
    private readonly Dictionary<TrainingRows, SortedDictionary<int, BadRow>> _bad = [];

    /// <summary>In the order of the data.</summary>
    public IReadOnlyList<BadRow> RowsOf(TrainingRows source) => _bad.TryGetValue(source, out var rows) ? [.. rows.Values] : [];

    public bool Contains(TrainingRows source, int row) => _bad.TryGetValue(source, out var rows) && rows.ContainsKey(row);

    /// <exception cref="InvalidDataException">The policy does not allow it.</exception>
    public void Add(TrainingRows source, int row, string reason)
    {
        if (!_bad.TryGetValue(source, out var rows))
            _bad.Add(source, rows = []);
        var bad = new BadRow(source.Ordinals[row], source.Inputs.PathOf(row), reason);
        if (!rows.TryAdd(row, bad))
            return;
        if (policy.MaximumFraction == 0)
            throw new InvalidDataException($"The {source.Inputs.Noun} of {bad}. Mend or remove it, or set BadRows = BadRows.Skip() to train without such rows.");
        channel.Warning($"Left out {bad}.");
        if (rows.Count > policy.MaximumFraction * source.Count)
        {
            throw new InvalidDataException(
                $"{rows.Count} of {source.Count} {source.Inputs.Noun}s could not be read, more than BadRows.{policy} allows. Some of them: {string.Join("; ", rows.Values.Take(5))}.");
        }
    }
}
