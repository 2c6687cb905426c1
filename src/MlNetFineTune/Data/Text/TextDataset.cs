using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>The tokens of training rows, encoded once.</summary>
/// <param name="length">Bytes of an encoded row.</param>
/// <param name="rows">The used bytes of each row.</param>
/// <param name="steps">Number of tokens of each row.</param>
/// <param name="reasons">For each row the reason why it cannot be used; empty if it can.</param>
/// <param name="texts">The beginnings of the texts; null if they are not needed.</param>
/// <param name="storage">A message for the log; null for none.</param>
/// <param name="windows">Number of windows of each row; null if all rows have one.</param>
/// <param name="contexts">The texts that hold the answers of the rows; null if the task seeks none.</param>
internal sealed class TextDataset(
    int length, byte[][] rows, int[] steps, string[] reasons, string[]? texts, string? storage, int[]? windows = null,
    string[]? contexts = null)
    : Dataset
{
    public override int Count => rows.Length;

    public override int Length => length;

    public override string Noun => "text";

    public override string? DescribeStorage() => storage;

    public override string? TextOf(int row) => texts?[row];

    public override int? StepsOf(int row) => steps[row];

    public override int WindowsOf(int row) => windows?[row] ?? 1;

    public override string? ContextOf(int row) => contexts?[row];

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
