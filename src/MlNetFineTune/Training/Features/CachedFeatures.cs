using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>What layers that do not change said of rows, computed before.</summary>
/// <param name="store">Has it.</param>
/// <param name="layout">How it lies there.</param>
/// <param name="views">How rows look from epoch to epoch.</param>
/// <param name="device">Where it is wanted.</param>
internal sealed class CachedFeatures(IFeatureStore store, FeatureLayout layout, RowViews views, Device device)
{
    /// <summary>[N, ...], one row each. Caller disposes.</summary>
    public Tensor Of(int[] rows, int epoch)
    {
        var view = views.NumberOf(epoch);
        return layout.Get(store, Array.ConvertAll(rows, row => views.KeyOf(row, view)), device);
    }
}
