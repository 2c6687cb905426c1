using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>Samples of several parts: the first part's tensor flows through the network, the others stand beside it by their columns' names.</summary>
internal sealed class TableCollator(IReadOnlyList<ModelInput> parts, Device device) : Collator
{
    private readonly (string Column, int Length, Collator Collator)[] _parts =
        [.. parts.Select(part => (part.Shapes[0].Column, part.Length, part.CreateCollator(device)))];

    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        if (_parts is [var only])
            return Contiguous(only.Collator, samples, count);
        var stride = _parts.Sum(part => part.Length);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        using var scope = NewDisposeScope();
        var offset = 0;
        foreach (var (column, length, collator) in _parts)
        {
            var part = new byte[count * length];
            for (var row = 0; row < count; row++)
                samples.Slice(row * stride + offset, length).CopyTo(part.AsSpan(row * length));
            tensors.Add(column, Contiguous(collator, part, count));
            offset += length;
        }
        foreach (var tensor in tensors.Values)
            tensor.MoveToOuterDisposeScope();
        tensors.Remove(_parts[0].Column, out var first);
        return new ModelInputs(first!, tensors);
    }

    // A module may ask for it (`view`), and pictures are made channels-last.
    private static Tensor Contiguous(Collator collator, ReadOnlySpan<byte> samples, int count)
    {
        using var tensor = collator.ToTensor(samples, count);
        return tensor.is_contiguous() ? tensor.alias() : tensor.contiguous();
    }

    public override Tensor ToTensor(ReadOnlySpan<byte> samples, int count) =>
        throw new NotSupportedException("Several parts are several tensors.");

    public override void Dispose()
    {
        foreach (var part in _parts)
            part.Collator.Dispose();
    }
}
