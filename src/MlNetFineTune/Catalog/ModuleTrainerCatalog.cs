using Microsoft.ML.Data;
using MlNetFineTune;

namespace Microsoft.ML;

// Your own TorchSharp modules among ML.NET's trainers: FineTuneModule(...).
public static partial class FineTuningExtensions
{
    /// <summary>Trains a module to tell classes apart, with the defaults of <see cref="ModuleFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="factory">Makes the module.</param>
    /// <param name="labelColumnName">A key.</param>
    /// <param name="featureColumnName">A vector of Single.</param>
    public static FineTuningTrainer FineTuneModule(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ModuleFactory factory, string labelColumnName = "Label", string featureColumnName = "Features") =>
        catalog.FineTuneModule(new ModuleFineTuningOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module to tell classes apart.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Only the factory must be set.</param>
    public static FineTuningTrainer FineTuneModule(this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ModuleFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Multiclass());

    /// <summary>Trains a module to say yes or no, with the defaults of <see cref="ModuleFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="factory">Makes the module.</param>
    /// <param name="labelColumnName">A Boolean.</param>
    /// <param name="featureColumnName">A vector of Single.</param>
    public static FineTuningTrainer FineTuneModule(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, ModuleFactory factory, string labelColumnName = "Label", string featureColumnName = "Features") =>
        catalog.FineTuneModule(new ModuleFineTuningOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module to say yes or no.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Only the factory must be set.</param>
    public static FineTuningTrainer FineTuneModule(this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, ModuleFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Binary());

    /// <summary>Trains a module to give a number, with the defaults of <see cref="ModuleFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="factory">Makes the module.</param>
    /// <param name="labelColumnName">A Single.</param>
    /// <param name="featureColumnName">A vector of Single.</param>
    public static FineTuningTrainer FineTuneModule(
        this RegressionCatalog.RegressionTrainers catalog, ModuleFactory factory, string labelColumnName = "Label", string featureColumnName = "Features") =>
        catalog.FineTuneModule(new ModuleFineTuningOptions { Factory = factory, LabelColumnName = labelColumnName, Inputs = [featureColumnName] });

    /// <summary>Trains a module to give a number.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Only the factory must be set.</param>
    public static FineTuningTrainer FineTuneModule(this RegressionCatalog.RegressionTrainers catalog, ModuleFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Regression());
}
