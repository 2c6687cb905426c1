using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;

namespace Microsoft.ML;

// Adapters among ML.NET's operations on models: ml.Model.LoadAdapter(...).
public static partial class FineTuningExtensions
{
    /// <summary>Applies what <see cref="FineTuningTransformer.SaveAdapter"/> wrote to the network that it was trained on: the same model again.</summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="path">The adapter.</param>
    /// <param name="backbone">As in the training: the same network, weights and changes. Its input is prepared as in the training.</param>
    /// <returns>It holds native memory: dispose it.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no adapter, is damaged, or was trained on another network or on other weights.</exception>
    public static FineTuningTransformer LoadAdapter(this ModelOperationsCatalog catalog, string path, Backbone backbone)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(backbone);
        if (!backbone.HasWeights)
        {
            throw new ArgumentException(
                $"Say where the weights of {backbone.Name} come from: those that the adapter was trained on.", nameof(backbone));
        }
        return AdapterFile.Load(Contexts.GetEnvironment(catalog), path, backbone);
    }
}
