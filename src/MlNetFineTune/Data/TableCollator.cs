using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>
/// Collates samples of several parts: the first part's tensor flows through the network, the others are beside it by the names of their
/// columns.
/// </summary>
internal sealed class TableCollator(IReadOnlyList<ModelInput> parts, Device device) : Collator
{
    private readonly (string Column, int Length, Collator Collator)[] _parts =
        [.. parts.Select(part => (part.Shapes[0].Column, part.Length, part.CreateCollator(device)))];

    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        using var scope = NewDisposeScope();
        var stride = _parts.Sum(part => part.Length);
        Tensor? first = null;
        var beside = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var offset = 0;
        foreach (var (column, length, collator) in _parts)
        {
            var inputs = collator.Collate(_parts.Length == 1 ? samples : PartOf(samples, count, stride, offset, length), count);
            // A module may require contiguous tensors (`view`), and pictures are channels-last.
            var activations = inputs.Activations.contiguous();
            if (first is null)
                first = activations;
            else
                beside.Add(column, activations);
            foreach (var (name, tensor) in inputs.Beside)
                beside.Add(name, tensor);
            offset += length;
        }
        foreach (var tensor in beside.Values)
            tensor.MoveToOuterDisposeScope();
        return new ModelInputs(first!.MoveToOuterDisposeScope(), beside);
    }

    /// <summary>Extracts one part of each sample.</summary>
    private static byte[] PartOf(ReadOnlySpan<byte> samples, int count, int stride, int offset, int length)
    {
        var part = new byte[count * length];
        for (var row = 0; row < count; row++)
            samples.Slice(row * stride + offset, length).CopyTo(part.AsSpan(row * length));
        return part;
    }

    public override void Dispose()
    {
        foreach (var part in _parts)
            part.Collator.Dispose();
    }
}
