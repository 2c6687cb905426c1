using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;

namespace Microsoft.ML;

// Adapters among ML.NET's operations on models: ml.Model.LoadAdapter(...).
public static partial class FineTuningExtensions
{
    /// <summary>Restores a model from a file of <see cref="FineTuningTransformer.SaveAdapter"/> and the
    /// network that it was trained on.</summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="path">Path of the adapter file.</param>
    /// <param name="backbone">The same network, weights and changes as in the training.
    /// Its preprocessing is taken from the adapter file.</param>
    /// <returns>The model. It holds native memory: dispose it.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is not an adapter, is damaged, or was trained on another
    /// network or on other weights.</exception>
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

    /// <summary>The same for a module of your own.</summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="path">The adapter.</param>
    /// <param name="factory">As in the training: the same contract and settings.</param>
    /// <param name="weightsFile">
    /// As <see cref="ModuleFineTuningOptions.WeightsFile"/> in the training. Default null: the weights that the factory draws from the
    /// training's seed.
    /// </param>
    /// <returns>It holds native memory: dispose it.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is no adapter, is damaged, or was trained on another module or on other weights.
    /// </exception>
    /// <exception cref="InvalidOperationException">The factory failed.</exception>
    public static FineTuningTransformer LoadAdapter(
        this ModelOperationsCatalog catalog, string path, ModuleFactory factory, string? weightsFile = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(factory);
        return AdapterFile.Load(Contexts.GetEnvironment(catalog), path, factory, weightsFile);
    }
}
