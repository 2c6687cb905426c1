using System.Runtime.InteropServices;
using MlNetFineTune.Networks;
using TorchSharp;
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

        var ids = new long[count * longest];
        var mask = new bool[count * longest];
        var segments = hasSegments ? new long[count * longest] : [];
        Array.Fill(ids, padding);
        var hasPadding = false;
        for (var row = 0; row < count; row++)
        {
            var sample = samples.Slice(row * stride, stride);
            var tokens = TokenRows.TokensOf(sample);
            var first = row * longest;
            for (var i = 0; i < tokens.Length; i++)
                ids[first + i] = tokens[i];
            mask.AsSpan(first, Math.Max(tokens.Length, 1)).Fill(true);
            hasPadding |= tokens.Length < longest;
            if (hasSegments)
                segments.AsSpan(first + TokenRows.SecondStartOf(sample), tokens.Length - TokenRows.SecondStartOf(sample)).Fill(1);
        }

        var beside = new Dictionary<string, Tensor>();
        if (hasPadding)
            beside.Add(TextInputNames.Mask, OnDevice(tensor(mask, [count, longest], ScalarType.Bool)));
        if (hasSegments)
            beside.Add(TextInputNames.Segments, OnDevice(tensor(segments, [count, longest], ScalarType.Int64)));
        return new ModelInputs(OnDevice(tensor(ids, [count, longest], ScalarType.Int64)), beside);
    }

    public override void Dispose()
    {
    }

    private Tensor OnDevice(Tensor tensor) => tensor.to(device).MoveToOuterDisposeScope();
}
