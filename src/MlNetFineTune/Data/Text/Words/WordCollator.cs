using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Collates rows of words. Rows with more tokens than a window are read in several overlapping ones, so that N rows are M windows of
/// tokens: ids [M, T], Int64; beside them the mask [M, T], if there is padding, and where the words of the rows are
/// (<see cref="TextInputNames"/>).
/// </summary>
/// <param name="rows">Encoder of the rows.</param>
/// <param name="start">Id of the token before a window.</param>
/// <param name="end">Id of the token after a window.</param>
/// <param name="padding">Id of the padding token.</param>
/// <param name="device">Device of the tensors.</param>
internal sealed class WordCollator(WordRows rows, int start, int end, int padding, Device device) : Collator
{
    public override int? StepsOf(ReadOnlySpan<byte> sample) => rows.StepsOf(sample);

    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        using var scope = NewDisposeScope();
        var windows = new List<Window>();
        var words = 1; // an empty row has none, and a tensor at least one
        for (var row = 0; row < count; row++)
        {
            var parts = WordRows.Read(Sample(samples, row));
            words = Math.Max(words, parts.FirstTokens.Length);
            foreach (var (first, last) in TokenWindows.Of(parts.Tokens.Length, rows.Room, parts.FirstTokens))
                windows.Add(new Window(row, first, last));
        }
        var longest = windows.Max(window => window.Tokens) + 2;
        var (ids, beside) = Tokens(samples, windows, longest);
        AddWords(beside, samples, count, words, windows, longest);
        return new ModelInputs(ids, beside) { Windows = WindowsOf(windows, count) };
    }

    public override void Dispose()
    {
    }

    private static int[]? WindowsOf(List<Window> windows, int rows)
    {
        if (windows.Count == rows)
            return null;
        var counts = new int[rows];
        foreach (var window in windows)
            counts[window.Row]++;
        return counts;
    }

    private (Tensor Ids, Dictionary<string, Tensor> Beside) Tokens(ReadOnlySpan<byte> samples, List<Window> windows, int longest)
    {
        var tokens = new PaddedTokens(windows.Count, longest, padding);
        foreach (var (index, window) in windows.Index())
        {
            tokens.Begin(index);
            tokens.Add(start);
            tokens.Add(WordRows.Read(Sample(samples, window.Row)).Tokens[window.Start..window.End]);
            tokens.Add(end);
        }
        return tokens.ToTensors(device);
    }

    private void AddWords(
        Dictionary<string, Tensor> beside, ReadOnlySpan<byte> samples, int count, int words, List<Window> windows, int longest)
    {
        var (hasWord, lengths) = (new bool[count * words], new float[count * words]);
        Array.Fill(lengths, float.NaN);
        var found = new List<int>[count * words]; // positions of each word in the windows
        var byRow = windows.Index().ToLookup(window => window.Item.Row);
        for (var row = 0; row < count; row++)
        {
            var parts = WordRows.Read(Sample(samples, row));
            for (var word = 0; word < parts.FirstTokens.Length; word++)
            {
                var next = word + 1 < parts.FirstTokens.Length ? parts.FirstTokens[word + 1] : parts.Tokens.Length;
                var at = row * words + word;
                (hasWord[at], lengths[at]) = (true, parts.Lengths[word]);
                found[at] = PlacesOf(parts.FirstTokens[word], next, byRow[row], longest);
            }
        }
        var most = Math.Max(found.Max(places => places?.Count ?? 0), 1);
        var (flat, shares) = (new long[found.Length * most], new float[found.Length * most]);
        foreach (var (at, places) in found.Index())
        {
            for (var i = 0; i < (places?.Count ?? 0); i++)
                (flat[at * most + i], shares[at * most + i]) = (places![i], 1f / places.Count);
        }
        beside.Add(TextInputNames.WordPlaces, OnDevice(tensor(flat, [count, words, most], ScalarType.Int64)));
        beside.Add(TextInputNames.WordShares, OnDevice(tensor(shares, [count, words, most], ScalarType.Float32)));
        beside.Add(TextInputNames.HasWord, OnDevice(tensor(hasWord, [count, words], ScalarType.Bool)));
        beside.Add(TextInputNames.WordLengths, OnDevice(tensor(lengths, [count, words], ScalarType.Float32)));
    }

    // In the windows that have the whole word; of a word that is longer than that, in those that have its first token.
    private static List<int> PlacesOf(int first, int next, IEnumerable<(int Index, Window Item)> windows, int longest)
    {
        var (whole, cut) = (new List<int>(), new List<int>());
        foreach (var (index, window) in windows)
        {
            if (window.Start <= first && first < window.End)
                (next <= window.End ? whole : cut).Add(index * longest + 1 + first - window.Start);
        }
        return whole.Count > 0 ? whole : cut;
    }

    private ReadOnlySpan<byte> Sample(ReadOnlySpan<byte> samples, int row) => samples.Slice(row * rows.Length, rows.Length);

    private Tensor OnDevice(Tensor tensor) => tensor.to(device).MoveToOuterDisposeScope();

    private sealed record Window(int Row, int Start, int End)
    {
        public int Tokens => End - Start;
    }
}
