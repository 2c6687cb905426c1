using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Collates questions with their contexts. A long context is read in several overlapping windows, so that N rows are M windows of tokens:
/// ids [M, T], Int64, with mask and segments; beside them where answers can be (<see cref="TextInputNames"/>).
/// </summary>
/// <param name="rows">Encoder of the rows.</param>
/// <param name="start">Id of the token before a window.</param>
/// <param name="separator">Id of the token after the question and after a window.</param>
/// <param name="separators">Number of separators after the question.</param>
/// <param name="padding">Id of the padding token.</param>
/// <param name="hasSegments">Whether segments are given.</param>
/// <param name="device">Device of the tensors.</param>
internal sealed class AnswerCollator(
    AnswerRows rows, int start, int separator, int separators, int padding, bool hasSegments, Device device) : Collator
{
    public override int? StepsOf(ReadOnlySpan<byte> sample) => rows.StepsOf(sample);

    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        using var scope = NewDisposeScope();
        var windowsOf = new IReadOnlyList<(int Start, int End)>[count];
        var (windows, most, longest, longestContext) = (0, 1, 1, 1);
        for (var row = 0; row < count; row++)
        {
            var sample = Sample(samples, row);
            windowsOf[row] = rows.WindowsOf(sample);
            var tokens = windowsOf[row][0].End; // windows of a row are equally long
            (windows, most) = (windows + windowsOf[row].Count, Math.Max(most, windowsOf[row].Count));
            longest = Math.Max(longest, AnswerRows.Read(sample).Question.Length + tokens + rows.SpecialTokens);
            longestContext = Math.Max(longestContext, tokens);
        }

        var all = new PaddedTokens(windows, longest, padding, hasSegments);
        var slots = 1 + longestContext; // the class token is the first
        var (places, offsets) = (new long[count * most * slots], new float[count * most * slots * 2]);
        Array.Fill(offsets, float.NaN);
        var window = 0;
        for (var row = 0; row < count; row++)
        {
            var parts = AnswerRows.Read(Sample(samples, row));
            foreach (var (index, (first, end)) in windowsOf[row].Index())
            {
                AddTokens(all, window, parts, first, end);
                var at = (row * most + index) * slots;
                places[at] = window * longest;
                offsets.AsSpan(2 * at, 2).Clear();
                var before = 1 + parts.Question.Length + separators; // tokens before the context
                for (var token = first; token < end; token++)
                {
                    at++;
                    places[at] = window * longest + before + token - first;
                    (offsets[2 * at], offsets[2 * at + 1]) = (parts.Starts[token], parts.Ends[token]);
                }
                window++;
            }
        }
        var (ids, beside) = all.ToTensors(device);
        beside.Add(TextInputNames.AnswerPlaces, OnDevice(tensor(places, [count, most, slots], ScalarType.Int64)));
        beside.Add(TextInputNames.AnswerOffsets, OnDevice(tensor(offsets, [count, most, slots, 2], ScalarType.Float32)));
        return new ModelInputs(ids, beside) { Windows = windows == count ? null : Array.ConvertAll(windowsOf, some => some.Count) };
    }

    public override void Dispose()
    {
    }

    private void AddTokens(PaddedTokens all, int window, AnswerRow parts, int first, int end)
    {
        all.Begin(window);
        all.Add(start);
        all.Add(parts.Question);
        for (var i = 0; i < separators; i++)
            all.Add(separator);
        all.BeginSecondSegment();
        all.Add(parts.Context[first..end]);
        all.Add(separator);
    }

    private Tensor OnDevice(Tensor tensor) => tensor.to(device).MoveToOuterDisposeScope();

    private ReadOnlySpan<byte> Sample(ReadOnlySpan<byte> samples, int row) => samples.Slice(row * rows.Length, rows.Length);
}
