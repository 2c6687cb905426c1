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
        var (ids, beside) = PaddedTokens.Of(samples, count, stride, padding, hasSegments).ToTensors(device);
        return new ModelInputs(ids, beside);
    }

    public override void Dispose()
    {
    }
}
