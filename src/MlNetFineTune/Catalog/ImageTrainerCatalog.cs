using MlNetFineTune;

namespace Microsoft.ML;

// Trainers of image networks: ml.MulticlassClassification.Trainers.FineTuneImages(...), and the same for the other tasks.
public static partial class FineTuningExtensions
{
    /// <summary>Fine-tunes a pretrained network into an image classifier, with the defaults of
    /// <see cref="ImageFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="backbone">The network and its weights.</param>
    /// <param name="labelColumnName">Name of the label column, a key. Default "Label".</param>
    /// <param name="imageColumnName">
    /// Name of the image column: paths of files, or images as from <c>LoadImages</c>. Default "ImagePath".
    /// </param>
    /// <param name="scoreColumnName">Name of the output column of class probabilities. Default "Score".</param>
    /// <param name="predictedLabelColumnName">
    /// Name of the output column of the most probable class, a key. Default "PredictedLabel".
    /// </param>
    /// <param name="validationSet">Validation data for the choice of the best epoch.
    /// Default null: 20 % of the training data, stratified by class.</param>
    /// <exception cref="ArgumentException"><paramref name="backbone"/> has no weights, or the name of a column is empty.</exception>
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
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">
    /// Only <see cref="ImageFineTuningOptions.Backbone"/> must be set.
    /// <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Multiclass"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneImages(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ImageFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Multiclass());

    /// <summary>Fine-tunes a pretrained network into a binary classifier of images, with the defaults of
    /// <see cref="ImageFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="backbone">The network and its weights.</param>
    /// <param name="labelColumnName">Name of the label column, a Boolean. Default "Label".</param>
    /// <param name="imageColumnName">
    /// Name of the image column: paths of files, or images as from <c>LoadImages</c>. Default "ImagePath".
    /// </param>
    /// <param name="scoreColumnName">Name of the output column of the logit of true. Default "Score".</param>
    /// <param name="validationSet">Validation data for the choice of the best epoch.
    /// Default null: 20 % of the training data, stratified by class.</param>
    /// <exception cref="ArgumentException"><paramref name="backbone"/> has no weights, or the name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneImages(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog,
        Backbone backbone,
        string labelColumnName = "Label",
        string imageColumnName = "ImagePath",
        string scoreColumnName = "Score",
        IDataView? validationSet = null) =>
        catalog.FineTuneImages(Options(backbone, labelColumnName, imageColumnName, scoreColumnName, validationSet));

    /// <summary>Fine-tunes a pretrained network into a binary classifier of images.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">
    /// Only <see cref="ImageFineTuningOptions.Backbone"/> must be set.
    /// <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Binary"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneImages(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, ImageFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Binary());

    /// <summary>Fine-tunes a pretrained network to predict a number from images, with the defaults of
    /// <see cref="ImageFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="backbone">The network and its weights.</param>
    /// <param name="labelColumnName">Name of the label column, a Single. Default "Label".</param>
    /// <param name="imageColumnName">
    /// Name of the image column: paths of files, or images as from <c>LoadImages</c>. Default "ImagePath".
    /// </param>
    /// <param name="scoreColumnName">Name of the output column of predictions, in the unit of the label. Default "Score".</param>
    /// <param name="validationSet">Validation data for the choice of the best epoch.
    /// Default null: 20 % of the training data.</param>
    /// <exception cref="ArgumentException"><paramref name="backbone"/> has no weights, or the name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneImages(
        this RegressionCatalog.RegressionTrainers catalog,
        Backbone backbone,
        string labelColumnName = "Label",
        string imageColumnName = "ImagePath",
        string scoreColumnName = "Score",
        IDataView? validationSet = null) =>
        catalog.FineTuneImages(Options(backbone, labelColumnName, imageColumnName, scoreColumnName, validationSet));

    /// <summary>Fine-tunes a pretrained network to predict a number from images.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">
    /// Only <see cref="ImageFineTuningOptions.Backbone"/> must be set.
    /// <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Regression"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
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
