using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The tokens of training rows of words, encoded once.</summary>
/// <param name="encoder">Encoder of the rows.</param>
/// <param name="rows">The used bytes of each row.</param>
/// <param name="reasons">For each row the reason why it cannot be used; empty if it can.</param>
/// <param name="texts">The beginnings of the texts; null if they are not needed.</param>
internal sealed class WordDataset(WordRows encoder, byte[][] rows, string[] reasons, string[]? texts) : Dataset
{
    private readonly int[] _steps = [.. rows.Select(row => row.Length == 0 ? 1 : encoder.StepsOf(row))];

    public override int Count => rows.Length;

    public override int Length => encoder.Length;

    public override string Noun => "text";

    public override string? DescribeStorage()
    {
        var inWindows = rows.Count(row => row.Length > 0 && WordRows.Read(row).Tokens.Length > encoder.Room);
        return inWindows == 0 ? null : FormattableString.Invariant(
            $"{inWindows} of {rows.Length} texts have more than {encoder.Room} tokens and are read in overlapping windows of that length.");
    }

    public override string? TextOf(int row) => texts?[row];

    public override int? StepsOf(int row) => _steps[row];

    public override ContentHash? ContentOf(int row) => rows[row].Length == 0 ? null : ContentHash.Of(rows[row]);

    public override string? Encode(
        int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default)
    {
        if (reasons[row].Length > 0)
            return reasons[row];
        rows[row].CopyTo(output);
        return null;
    }

    public override void Dispose()
    {
    }
}
