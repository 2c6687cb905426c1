using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>Sequences of tokens, padded to the longest: [M, T], sequence after sequence.</summary>
/// <param name="count">Number M of sequences.</param>
/// <param name="longest">Number T of tokens of the longest one.</param>
/// <param name="padding">Id of the padding token.</param>
/// <param name="hasSegments">Whether segments are needed.</param>
internal sealed class PaddedTokens(int count, int longest, int padding, bool hasSegments = false)
{
    private int _next;
    private long _segment;

    /// <summary>Of texts.</summary>
    /// <param name="samples">Encoded rows of <see cref="TokenRows"/>.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="stride">Bytes of an encoded row.</param>
    /// <param name="padding">Id of the padding token.</param>
    /// <param name="hasSegments">Whether segments are needed.</param>
    public static PaddedTokens Of(ReadOnlySpan<byte> samples, int count, int stride, int padding, bool hasSegments)
    {
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
        return all;
    }

    public int Longest => longest;

    public long[] Ids { get; } = Filled(count * longest, padding);

    /// <summary>True for tokens, false for padding.</summary>
    public bool[] Mask { get; } = new bool[count * longest];

    /// <summary>1 for tokens of the second segment, otherwise 0; empty if segments are not needed.</summary>
    public long[] Segments { get; } = hasSegments ? new long[count * longest] : [];

    /// <summary>Begins a sequence, in its first segment.</summary>
    /// <param name="sequence">Index of the sequence.</param>
    public void Begin(int sequence) => (_next, _segment) = (sequence * longest, 0);

    /// <summary>Begins the second segment of the sequence.</summary>
    public void BeginSecondSegment() => _segment = 1;

    public void Add(int token)
    {
        Ids[_next] = token;
        Mask[_next] = true;
        if (hasSegments)
            Segments[_next] = _segment;
        _next++;
    }

    public void Add(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
            Add(token);
    }

    /// <summary>
    /// The tensors, outside of the dispose scope of the collator that calls this: ids; beside them the mask, if there is padding, and the
    /// segments.
    /// </summary>
    public (Tensor Ids, Dictionary<string, Tensor> Beside) ToTensors(Device device)
    {
        long[] shape = [count, longest];
        var beside = new Dictionary<string, Tensor>();
        if (Mask.AsSpan().Contains(false))
            beside.Add(TextInputNames.Mask, OnDevice(tensor(Mask, shape, ScalarType.Bool)));
        if (hasSegments)
            beside.Add(TextInputNames.Segments, OnDevice(tensor(Segments, shape, ScalarType.Int64)));
        return (OnDevice(tensor(Ids, shape, ScalarType.Int64)), beside);

        Tensor OnDevice(Tensor tensor) => tensor.to(device).MoveToOuterDisposeScope();
    }

    private static long[] Filled(int length, long value)
    {
        var values = new long[length];
        Array.Fill(values, value);
        return values;
    }
}
