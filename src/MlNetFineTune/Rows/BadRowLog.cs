using Microsoft.ML.Runtime;

namespace MlNetFineTune.Rows;

/// <summary>Keeps what could not be read, and ends the training when it is too much.</summary>
internal sealed class BadRowLog(BadRows policy, IChannel channel)
{
    private readonly List<BadRow> _rows = [];
    private readonly HashSet<(TrainingRows Source, int Row)> _bad = [];

    public IReadOnlyList<BadRow> Rows => _rows;

    public bool Contains(TrainingRows source, int row) => _bad.Contains((source, row));

    /// <exception cref="InvalidDataException">The policy does not allow it.</exception>
    public void Add(TrainingRows source, int row, string reason)
    {
        if (!_bad.Add((source, row)))
            return;
        var bad = new BadRow(source.Ordinals[row], source.Images.PathOf(row), reason);
        _rows.Add(bad);
        if (policy.MaximumFraction == 0)
            throw new InvalidDataException($"The picture of {bad}. Mend or remove it, or set BadRows = BadRows.Skip() to train without such rows.");
        channel.Warning($"Left out {bad}.");
        // Training data and a validation set of their own are judged apart.
        var count = _bad.Count(known => known.Source == source);
        if (count > policy.MaximumFraction * source.Count)
        {
            throw new InvalidDataException(
                $"{count} of {source.Count} pictures could not be read, more than BadRows.{policy} allows. Some of them: {string.Join("; ", _rows.TakeLast(5))}.");
        }
    }
}
