using Microsoft.ML.Data;
using MlNetFineTune;

namespace Microsoft.ML;

// Training of TorchSharp modules of your own: FineTuneModule(...).
public static partial class FineTuningExtensions
{
    /// <summary>Trains a module as a multiclass classifier, with the defaults of <see cref="ModuleFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="factory">Creates the module.</param>
    /// <param name="labelColumnName">Name of the label column, a key. Default "Label".</param>
    /// <param name="featureColumnName">Name of the input column, a vector of Single. Default "Features".</param>
    /// <exception cref="ArgumentException">The name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneModule(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ModuleFactory factory,
        string labelColumnName = "Label", string featureColumnName = "Features") =>
        catalog.FineTuneModule(
            new ModuleFineTuningOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module as a multiclass classifier.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">The options. Only <see cref="ModuleFineTuningOptions.Factory"/> must be set.</param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneModule(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ModuleFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Multiclass());

    /// <summary>Trains a module as a binary classifier, with the defaults of <see cref="ModuleFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="factory">Creates the module.</param>
    /// <param name="labelColumnName">Name of the label column, a Boolean. Default "Label".</param>
    /// <param name="featureColumnName">Name of the input column, a vector of Single. Default "Features".</param>
    /// <exception cref="ArgumentException">The name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneModule(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, ModuleFactory factory, string labelColumnName = "Label",
        string featureColumnName = "Features") =>
        catalog.FineTuneModule(
            new ModuleFineTuningOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module as a binary classifier.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">The options. Only <see cref="ModuleFineTuningOptions.Factory"/> must be set.</param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneModule(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, ModuleFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Binary());

    /// <summary>Trains a module for regression, with the defaults of <see cref="ModuleFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="factory">Creates the module.</param>
    /// <param name="labelColumnName">Name of the label column, a Single. Default "Label".</param>
    /// <param name="featureColumnName">Name of the input column, a vector of Single. Default "Features".</param>
    /// <exception cref="ArgumentException">The name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneModule(
        this RegressionCatalog.RegressionTrainers catalog, ModuleFactory factory, string labelColumnName = "Label",
        string featureColumnName = "Features") =>
        catalog.FineTuneModule(
            new ModuleFineTuningOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module for regression.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">The options. Only <see cref="ModuleFineTuningOptions.Factory"/> must be set.</param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneModule(this RegressionCatalog.RegressionTrainers catalog, ModuleFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Regression());
}
