using MlNetFineTune;

namespace Microsoft.ML;

// Fine-tuning of image networks among ML.NET's trainers: ml.MulticlassClassification.Trainers.FineTuneImages(...), and the same for 
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
    public static FineTuningTrainer FineTuneImages(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        Backbone backbone,
        string labelColumnName = "Label",
        string imageColumnName = "ImagePath",
        string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel",
        IDataView? validationSet = null) =>
        catalog.FineTuneImages(Options(backbone, labelColumnName, imageColumnName, scoreColumnName, validationSet) with
        {
            PredictedLabelColumnName = predictedLabelColumnName,
        });

    /// <summary>Fine-tunes a pretrained network into an image classifier.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">
    /// Only <see cref="ImageFineTuningOptions.Backbone"/> must be set. <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Multiclass"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task is another catalog's.</exception>
    public static FineTuningTrainer FineTuneImages(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ImageFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Multiclass());

    /// <summary>Fine-tunes a pretrained network to say yes or no of images, with the defaults of <see cref="ImageFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="backbone">The network and its weights.</param>
    /// <param name="labelColumnName">A Boolean.</param>
    /// <param name="imageColumnName">A file's path, or an image as <c>LoadImages</c> makes it.</param>
    /// <param name="scoreColumnName">Output: the logit of yes.</param>
    /// <param name="validationSet">Judges the epochs; null takes a fifth of each class from the training data.</param>
    public static FineTuningTrainer FineTuneImages(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog,
        Backbone backbone,
        string labelColumnName = "Label",
        string imageColumnName = "ImagePath",
        string scoreColumnName = "Score",
        IDataView? validationSet = null) =>
        catalog.FineTuneImages(Options(backbone, labelColumnName, imageColumnName, scoreColumnName, validationSet));

    /// <summary>Fine-tunes a pretrained network to say yes or no of images.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">
    /// Only <see cref="ImageFineTuningOptions.Backbone"/> must be set. <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Binary"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task is another catalog's.</exception>
    public static FineTuningTrainer FineTuneImages(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, ImageFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Binary());

    /// <summary>Fine-tunes a pretrained network to predict a number of images, with the defaults of <see cref="ImageFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="backbone">The network and its weights.</param>
    /// <param name="labelColumnName">A Single.</param>
    /// <param name="imageColumnName">A file's path, or an image as <c>LoadImages</c> makes it.</param>
    /// <param name="scoreColumnName">Output: the number, in the label's unit.</param>
    /// <param name="validationSet">Judges the epochs; null takes a fifth of the training data.</param>
    public static FineTuningTrainer FineTuneImages(
        this RegressionCatalog.RegressionTrainers catalog,
        Backbone backbone,
        string labelColumnName = "Label",
        string imageColumnName = "ImagePath",
        string scoreColumnName = "Score",
        IDataView? validationSet = null) =>
        catalog.FineTuneImages(Options(backbone, labelColumnName, imageColumnName, scoreColumnName, validationSet));

    /// <summary>Fine-tunes a pretrained network to predict a number of images.</summary>
    /// <param name="catalog">The trainers.</param>
    /// <param name="options">
    /// Only <see cref="ImageFineTuningOptions.Backbone"/> must be set. <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Regression"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task is another catalog's.</exception>
    public static FineTuningTrainer FineTuneImages(this RegressionCatalog.RegressionTrainers catalog, ImageFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Regression());

    private static ImageFineTuningOptions Options(Backbone backbone, string label, string image, string score, IDataView? validationSet)
    {
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            LabelColumnName = label,
            ImageColumnName = image,
            ScoreColumnName = score,
        };
        return validationSet is null ? options : options with { Validation = ValidationData.Set(validationSet) };
    }
}
