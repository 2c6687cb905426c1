using Microsoft.ML.Data;
using MlNetFineTune;
using MlNetFineTune.MlNet;

namespace Microsoft.ML;

// Fine-tuning among ML.NET's multiclass trainers: ml.MulticlassClassification.Trainers.FineTuneImages(...).
public static partial class FineTuningExtensions
{
    /// <summary>Fine-tunes a pretrained network into an image classifier, with the defaults of <see cref="ImageFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="backbone">The network and its weights.</param>
    /// <param name="labelColumnName">A key.</param>
    /// <param name="imageColumnName">A file's path, or an image as <c>LoadImages</c> makes it.</param>
    /// <param name="scoreColumnName">Output: class probabilities.</param>
    /// <param name="predictedLabelColumnName">Output: the most probable class, a key.</param>
    /// <param name="validationSet">Judges the epochs; null takes a fifth of each class from the training data.</param>
    public static ImageFineTuningTrainer FineTuneImages(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        Backbone backbone,
        string labelColumnName = "Label",
        string imageColumnName = "ImagePath",
        string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel",
        IDataView? validationSet = null)
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            LabelColumnName = labelColumnName,
            ImageColumnName = imageColumnName,
            ScoreColumnName = scoreColumnName,
            PredictedLabelColumnName = predictedLabelColumnName,
        };
        return catalog.FineTuneImages(validationSet is null ? options : options with { Validation = ValidationData.Set(validationSet) });
    }

    /// <summary>Fine-tunes a pretrained network into an image classifier.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">Only <see cref="ImageFineTuningOptions.Backbone"/> must be set.</param>
    public static ImageFineTuningTrainer FineTuneImages(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ImageFineTuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new ImageFineTuningTrainer(Contexts.GetEnvironment(catalog), options);
    }
}
