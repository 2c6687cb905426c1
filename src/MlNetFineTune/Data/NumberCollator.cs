using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Data;

/// <summary>Collates numbers to Float32 [N, ...] and keys to Int64 [N, ...].</summary>
internal sealed class NumberCollator(ModuleContext.InputShape shape, Device device) : Collator
{
    public override ModelInputs Collate(ReadOnlySpan<byte> samples, int count)
    {
        using var scope = NewDisposeScope();
        var host = empty([count, shape.Size], ScalarType.Float32);
        samples[..(count * shape.Size * sizeof(float))].CopyTo(host.bytes);
        var numbers = host.to(device).reshape([count, .. shape.Dimensions]); // [N, size] -> [N, ...]
        return (shape.KeyCount > 0 ? numbers.to_type(ScalarType.Int64) : numbers).MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
    }
}
