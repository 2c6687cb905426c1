using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Collates encoded texts, padded to the longest of the batch: ids [N, T], Int64; beside them the mask [N, T], if there is padding, and the
/// segments [N, T] of pairs.
/// </summary>
/// <param name="stride">Bytes of an encoded row.</param>
/// <param name="padding">Id of the padding token.</param>
/// <param name="hasSegments">Whether segments are given.</param>
/// <param name="device">Device of the tensors.</param>
internal sealed class TokenCollator(int stride, int padding, bool hasSegments, Device device) : Collator
{
    public override int? StepsOf(ReadOnlySpan<byte> sample) => TokenRows.CountOf(sample);

    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        using var scope = NewDisposeScope();
        var longest = 1; // a sample of zeros, from which shapes are determined, counts as one token of padding
        for (var row = 0; row < count; row++)
            longest = Math.Max(longest, TokenRows.CountOf(samples[(row * stride)..]));

        var all = new PaddedTokens(count, longest, padding, hasSegments);
        for (var row = 0; row < count; row++)
        {
            var sample = samples.Slice(row * stride, stride);
            var tokens = TokenRows.TokensOf(sample);
            var second = TokenRows.SecondStartOf(sample);
            all.Begin(row);
            all.Add(tokens[..second]);
            all.BeginSecondSegment();
            all.Add(tokens[second..]);
            if (tokens.Length == 0)
                all.Add(padding);
        }
        var (ids, beside) = all.ToTensors(device);
        return new ModelInputs(ids, beside);
    }

    public override void Dispose()
    {
    }
}
