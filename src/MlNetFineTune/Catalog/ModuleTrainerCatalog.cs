using Microsoft.ML.Data;
using MlNetFineTune;
using MlNetFineTune.MlNet;

namespace Microsoft.ML;

// Your own TorchSharp modules among ML.NET's trainers: FineTuneModule(...).
public static partial class FineTuningExtensions
{
    /// <summary>Trains a module to tell classes apart, with the defaults of <see cref="MulticlassModuleOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="factory">Makes the module.</param>
    /// <param name="labelColumnName">A key.</param>
    /// <param name="featureColumnName">A vector of Single.</param>
    public static ModuleFineTuningTrainer FineTuneModule(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ModuleFactory factory, string labelColumnName = "Label", string featureColumnName = "Features") =>
        catalog.FineTuneModule(new MulticlassModuleOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module to tell classes apart.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Only the factory must be set.</param>
    public static ModuleFineTuningTrainer FineTuneModule(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, MulticlassModuleOptions options) =>
        Create(catalog, options);

    /// <summary>Trains a module to say yes or no, with the defaults of <see cref="BinaryModuleOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="factory">Makes the module.</param>
    /// <param name="labelColumnName">A Boolean.</param>
    /// <param name="featureColumnName">A vector of Single.</param>
    public static ModuleFineTuningTrainer FineTuneModule(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, ModuleFactory factory, string labelColumnName = "Label", string featureColumnName = "Features") =>
        catalog.FineTuneModule(new BinaryModuleOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module to say yes or no.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Only the factory must be set.</param>
    public static ModuleFineTuningTrainer FineTuneModule(this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, BinaryModuleOptions options) =>
        Create(catalog, options);

    /// <summary>Trains a module to give a number, with the defaults of <see cref="RegressionModuleOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="factory">Makes the module.</param>
    /// <param name="labelColumnName">A Single.</param>
    /// <param name="featureColumnName">A vector of Single.</param>
    public static ModuleFineTuningTrainer FineTuneModule(
        this RegressionCatalog.RegressionTrainers catalog, ModuleFactory factory, string labelColumnName = "Label", string featureColumnName = "Features") =>
        catalog.FineTuneModule(new RegressionModuleOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module to give a number.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Only the factory must be set.</param>
    public static ModuleFineTuningTrainer FineTuneModule(this RegressionCatalog.RegressionTrainers catalog, RegressionModuleOptions options) =>
        Create(catalog, options);

    private static ModuleFineTuningTrainer Create(TrainCatalogBase.CatalogInstantiatorBase catalog, ModuleFineTuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new ModuleFineTuningTrainer(Contexts.GetEnvironment(catalog), options);
    }
}
