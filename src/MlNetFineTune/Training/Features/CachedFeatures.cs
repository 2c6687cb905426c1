using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Cached outputs of frozen layers for rows.</summary>
/// <param name="store">The store.</param>
/// <param name="layout">Layout of the features in the store.</param>
/// <param name="views">The views of the rows, by epoch.</param>
/// <param name="device">Device of the tensors.</param>
internal sealed class CachedFeatures(IFeatureStore store, FeatureLayout layout, RowViews views, Device device)
{
    /// <summary>The features of rows, [N, ...]. The caller disposes it.</summary>
    public Tensor Of(int[] rows, int epoch)
    {
        var view = views.NumberOf(epoch);
        return layout.Get(store, Array.ConvertAll(rows, row => views.KeyOf(row, view)), device);
    }
}
