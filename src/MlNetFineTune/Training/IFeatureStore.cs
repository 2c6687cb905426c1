using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Keeps what the frozen stages computed for each row, so that they run once a picture.</summary>
internal interface IFeatureStore : IDisposable
{
    /// <param name="rows">One a feature.</param>
    /// <param name="features">[rows, ...], of the same shape every time. The caller keeps it.</param>
    void Put(ReadOnlySpan<int> rows, Tensor features);

    /// <summary>[rows, ...] in the order asked for. Caller disposes.</summary>
    Tensor Get(ReadOnlySpan<int> rows);
}
