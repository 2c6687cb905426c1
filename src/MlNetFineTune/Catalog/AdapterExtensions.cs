using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Scoring;

namespace Microsoft.ML;

// Loading of adapters: ml.Model.LoadAdapter(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Restores a model from an adapter file of <see cref="FineTuningTransformer.SaveAdapter"/> and the image network that it was trained
    /// on.
    /// </summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="path">Path of the adapter file.</param>
    /// <param name="backbone">
    /// The network of the training, with the same weights and changes. The preprocessing is taken from the adapter file.
    /// </param>
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

    /// <summary>
    /// Restores a model from an adapter file of <see cref="FineTuningTransformer.SaveAdapter"/> and the text network that it was trained
    /// on.
    /// </summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="path">Path of the adapter file.</param>
    /// <param name="backbone">The network of the training, with the same weights, layers and tokenizer.</param>
    /// <returns>The model. It holds native memory: dispose it.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not an adapter, is damaged, or was trained on another network, with another tokenizer, or on other weights.
    /// </exception>
    public static FineTuningTransformer LoadAdapter(this ModelOperationsCatalog catalog, string path, TextBackbone backbone)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(backbone);
        return AdapterFile.Load(Contexts.GetEnvironment(catalog), path, backbone);
    }

    /// <summary>
    /// Restores a model from an adapter file of <see cref="FineTuningTransformer.SaveAdapter"/> and the module that it was trained on.
    /// </summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="path">Path of the adapter file.</param>
    /// <param name="factory">The factory of the training, with the same contract and settings.</param>
    /// <param name="weightsFile">
    /// <see cref="ModuleFineTuningOptions.WeightsFile"/> of the training. Default null: the weights that the factory creates with the
    /// training's seed.
    /// </param>
    /// <returns>The model. It holds native memory: dispose it.</returns>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not an adapter, is damaged, or was trained on another module or on other weights.
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
