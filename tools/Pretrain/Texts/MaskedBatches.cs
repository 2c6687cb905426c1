using MlNetFineTune.Primitives;
using MlNetFineTune.Tokenizers;

namespace Pretrain;

/// <summary>Rows of hidden tokens for masked language modelling.</summary>
/// <param name="Tokens">[N T], in which some tokens are hidden.</param>
/// <param name="Places">Indices of the tokens to predict.</param>
/// <param name="Targets">The original tokens there.</param>
internal sealed record MaskedBatch(long[] Tokens, long[] Places, long[] Targets);

/// <summary>
/// Passages joined to rows of one length without padding, with 15 % of the tokens to predict: 80 % of these are [MASK], 10 % are another
/// token, 10 % stay (Devlin et al. 2018, section 3.1, https://arxiv.org/abs/1810.04805). Other tokens in each epoch (Liu et al. 2019,
/// https://arxiv.org/abs/1907.11692), all from counted randomness.
/// </summary>
internal sealed class MaskedBatches(int[][] passages, Tokenizer tokenizer, int length, int batchSize, long seed)
{
    private static readonly RandomStream s_order = new(2), s_masks = new(3);

    private readonly int _firstOrdinary = new[]
    {
        tokenizer.Specials.Start, tokenizer.Specials.End, tokenizer.Specials.Padding, tokenizer.Specials.Unknown,
        tokenizer.Specials.Mask!.Value,
    }.Max() + 1;

    /// <summary>Batches without end, epoch after epoch.</summary>
    public IEnumerable<MaskedBatch> Endless() => Enumerable.Range(0, int.MaxValue).SelectMany(Epoch);

    /// <summary>The batches of an epoch.</summary>
    public IEnumerable<MaskedBatch> Epoch(int epoch)
    {
        var order = Enumerable.Range(0, passages.Length).ToArray();
        new CountedRandom(seed, s_order, epoch, ordinal: 0).Shuffle<int>(order);
        return Rows(order).Chunk(batchSize).Where(rows => rows.Length == batchSize)
            .Select((rows, batch) => Mask([.. rows.SelectMany(row => row)], epoch, batch));
    }

    // [CLS] passage [SEP] passage [SEP] passage: the last one goes on in the next row.
    private IEnumerable<int[]> Rows(int[] order)
    {
        var row = new List<int>(length) { tokenizer.Specials.Start };
        foreach (var token in order.SelectMany(index => passages[index].Append(tokenizer.Specials.End)))
        {
            row.Add(token);
            if (row.Count == length)
            {
                yield return [.. row];
                row.Clear();
                row.Add(tokenizer.Specials.Start);
            }
        }
    }

    private MaskedBatch Mask(int[] tokens, int epoch, int batch)
    {
        var random = new CountedRandom(seed, s_masks, epoch, batch);
        var hidden = Array.ConvertAll(tokens, token => (long)token);
        List<long> places = [], targets = [];
        for (var i = 0; i < tokens.Length; i++)
        {
            if (tokens[i] < _firstOrdinary || random.NextDouble() >= 0.15)
                continue;
            places.Add(i);
            targets.Add(tokens[i]);
            hidden[i] = random.NextDouble() switch
            {
                < 0.8 => tokenizer.Specials.Mask!.Value,
                < 0.9 => _firstOrdinary + random.NextInt(tokenizer.VocabularySize - _firstOrdinary),
                _ => tokens[i],
            };
        }
        return new MaskedBatch(hidden, [.. places], [.. targets]);
    }
}
