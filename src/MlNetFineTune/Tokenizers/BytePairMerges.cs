using System.Runtime.InteropServices;

namespace MlNetFineTune.Tokenizers;

/// <summary>Which two tokens become one, and which pair goes first (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909).</summary>
internal sealed class BytePairMerges
{
    // Above it the pairs of a word wait in a heap: a word of n bytes then takes n log n steps and not n squared.
    private const int LongWord = 64;

    private readonly Dictionary<(int Left, int Right), (int Rank, int Merged)> _merges;

    /// <param name="tokens">The vocabulary.</param>
    /// <param name="merges">Two tokens with a space between, the first pair first.</param>
    /// <exception cref="InvalidDataException">A line is not a pair, or not of the vocabulary.</exception>
    public BytePairMerges(TokenList tokens, string[] merges)
    {
        _merges = new Dictionary<(int, int), (int, int)>(merges.Length);
        foreach (var (rank, line) in merges.Index())
        {
            var parts = line.Split(' ');
            if (parts.Length != 2)
                throw TokenList.Bad(tokens.Source, $"merge {rank} is {SafeText.Quoted(line)}; expected two tokens with a space between");
            var (left, right, merged) = (Id(parts[0]), Id(parts[1]), Id(parts[0] + parts[1]));
            if (!_merges.TryAdd((left, right), (rank, merged)))
            {
                throw TokenList.Bad(
                    tokens.Source, $"{SafeText.Quoted(line)} is a merge twice, the second time as number {rank}; expected once");
            }

            int Id(string token) => tokens.Find(token) ?? throw TokenList.Bad(
                tokens.Source, $"merge {rank}, {SafeText.Quoted(line)}, needs {SafeText.Quoted(token)}, which is no token");
        }
    }

    /// <summary>Merges the tokens in place.</summary>
    public void Apply(List<int> tokens)
    {
        if (tokens.Count > LongWord)
        {
            ApplyByHeap(tokens);
            return;
        }
        while (true)
        {
            var all = CollectionsMarshal.AsSpan(tokens);
            var (best, at) = ((Rank: int.MaxValue, Merged: 0), -1);
            for (var i = 0; i + 1 < all.Length; i++)
            {
                if (_merges.TryGetValue((all[i], all[i + 1]), out var merge) && merge.Rank < best.Rank)
                    (best, at) = (merge, i);
            }
            if (at < 0)
                return;
            all[at] = best.Merged;
            tokens.RemoveAt(at + 1);
        }
    }

    private void ApplyByHeap(List<int> tokens)
    {
        const int gone = -1;
        var all = CollectionsMarshal.AsSpan(tokens);
        var (before, after) = (new int[all.Length], new int[all.Length]);
        var waiting = new PriorityQueue<(int At, int Right, int Left), (int Rank, int At)>();
        for (var i = 0; i < all.Length; i++)
            (before[i], after[i]) = (i - 1, i + 1);
        for (var i = 0; i + 1 < all.Length; i++)
            Enqueue(all, i, i + 1);
        while (waiting.TryDequeue(out var pair, out _))
        {
            var next = all[pair.At] == pair.Left ? after[pair.At] : all.Length;
            if (next >= all.Length || all[next] != pair.Right)
                continue; // one of the two has been merged since
            all[pair.At] = _merges[(pair.Left, pair.Right)].Merged;
            all[next] = gone;
            after[pair.At] = after[next];
            if (after[next] < all.Length)
            {
                before[after[next]] = pair.At;
                Enqueue(all, pair.At, after[next]);
            }
            if (before[pair.At] >= 0)
                Enqueue(all, before[pair.At], pair.At);
        }
        tokens.RemoveAll(token => token == gone);

        void Enqueue(Span<int> of, int left, int right)
        {
            if (_merges.TryGetValue((of[left], of[right]), out var merge))
                waiting.Enqueue((left, of[right], of[left]), (merge.Rank, left));
        }
    }
}
