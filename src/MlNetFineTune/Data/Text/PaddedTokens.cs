using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Sequences of tokens, padded to the longest: ids [M, T], Int64; beside them the mask [M, T], if there is padding, and the segments
/// [M, T].
/// </summary>
/// <param name="count">Number M of sequences.</param>
/// <param name="longest">Number T of tokens of the longest one.</param>
/// <param name="padding">Id of the padding token.</param>
/// <param name="hasSegments">Whether segments are given.</param>
internal sealed class PaddedTokens(int count, int longest, int padding, bool hasSegments = false)
{
    private readonly long[] _ids = Filled(count * longest, padding);
    private readonly bool[] _mask = new bool[count * longest];
    private readonly long[] _segments = hasSegments ? new long[count * longest] : [];
    private int _next;
    private long _segment;

    /// <summary>Begins a sequence, in its first segment.</summary>
    /// <param name="sequence">Index of the sequence.</param>
    public void Begin(int sequence) => (_next, _segment) = (sequence * longest, 0);

    /// <summary>Begins the second segment of the sequence.</summary>
    public void BeginSecondSegment() => _segment = 1;

    public void Add(int token)
    {
        _ids[_next] = token;
        _mask[_next] = true;
        if (hasSegments)
            _segments[_next] = _segment;
        _next++;
    }

    public void Add(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
            Add(token);
    }

    /// <summary>The tensors, outside of the dispose scope of the collator that calls this.</summary>
    public (Tensor Ids, Dictionary<string, Tensor> Beside) ToTensors(Device device)
    {
        long[] shape = [count, longest];
        var beside = new Dictionary<string, Tensor>();
        if (_mask.AsSpan().Contains(false))
            beside.Add(TextInputNames.Mask, OnDevice(tensor(_mask, shape, ScalarType.Bool)));
        if (hasSegments)
            beside.Add(TextInputNames.Segments, OnDevice(tensor(_segments, shape, ScalarType.Int64)));
        return (OnDevice(tensor(_ids, shape, ScalarType.Int64)), beside);

        Tensor OnDevice(Tensor tensor) => tensor.to(device).MoveToOuterDisposeScope();
    }

    private static long[] Filled(int length, long value)
    {
        var values = new long[length];
        Array.Fill(values, value);
        return values;
    }
}
