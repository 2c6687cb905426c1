using MlNetFineTune.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Features as one tensor in the computer's memory; maps lie channels-last, as the network wants them.</summary>
internal sealed class MemoryFeatureStore(int rows, Device device) : IFeatureStore
{
    private readonly Dictionary<int, long> _positions = [];
    private Tensor? _features;

    public void Put(ReadOnlySpan<int> rowsOfFeatures, Tensor features)
    {
        using var scope = NewDisposeScope();
        var flat = (features.ndim == 4 ? features.permute(0, 2, 3, 1) : features).cpu(); // [N, C, H, W] -> [N, H, W, C]
        _features ??= empty([rows, .. flat.shape[1..]]).DetachFromDisposeScope();
        var first = _positions.Count;
        foreach (var row in rowsOfFeatures)
            _positions.Add(row, _positions.Count);
        _features.narrow(0, first, rowsOfFeatures.Length).copy_(flat);
    }

    public Tensor Get(ReadOnlySpan<int> rowsOfFeatures)
    {
        var positions = new long[rowsOfFeatures.Length];
        for (var i = 0; i < positions.Length; i++)
            positions[i] = _positions[rowsOfFeatures[i]];
        using var scope = NewDisposeScope();
        var gathered = _features!.index_select(0, tensor(positions)).to(device);
        return (gathered.ndim == 4 ? gathered.permute(0, 3, 1, 2) : gathered).MoveToOuterDisposeScope();
    }

    public void Dispose() => _features?.Dispose();
}
