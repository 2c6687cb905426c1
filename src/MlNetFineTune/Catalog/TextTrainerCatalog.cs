using MlNetFineTune;

namespace Microsoft.ML;

// Trainers of text networks: ml.MulticlassClassification.Trainers.FineTuneText(...), and the same for the other tasks.
public static partial class FineTuningExtensions
{
    /// <summary>Fine-tunes a pretrained network into a classifier of texts, with the defaults of
    /// <see cref="TextFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="backbone">The network, its weights and its tokenizer.</param>
    /// <param name="labelColumnName">Name of the label column, a key. Default "Label".</param>
    /// <param name="textColumnName">Name of the column of texts. Default "Text".</param>
    /// <param name="secondTextColumnName">Name of the second column, for pairs of texts. Default null: single texts.</param>
    /// <param name="validationSet">Validation data for the choice of the best epoch.
    /// Default null: 20 % of the training data, stratified by class.</param>
    /// <exception cref="ArgumentException">The name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneText(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog,
        TextBackbone backbone,
        string labelColumnName = "Label",
        string textColumnName = "Text",
        string? secondTextColumnName = null,
        IDataView? validationSet = null) =>
        catalog.FineTuneText(Options(backbone, labelColumnName, textColumnName, secondTextColumnName, validationSet));

    /// <summary>Fine-tunes a pretrained network into a classifier of texts.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">
    /// Only <see cref="TextFineTuningOptions.Backbone"/> must be set.
    /// <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Multiclass"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneText(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, TextFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Multiclass());

    /// <summary>Fine-tunes a pretrained network into a binary classifier of texts, with the defaults of
    /// <see cref="TextFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="backbone">The network, its weights and its tokenizer.</param>
    /// <param name="labelColumnName">Name of the label column, a Boolean. Default "Label".</param>
    /// <param name="textColumnName">Name of the column of texts. Default "Text".</param>
    /// <param name="secondTextColumnName">Name of the second column, for pairs of texts. Default null: single texts.</param>
    /// <param name="validationSet">Validation data for the choice of the best epoch.
    /// Default null: 20 % of the training data, stratified by class.</param>
    /// <exception cref="ArgumentException">The name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneText(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog,
        TextBackbone backbone,
        string labelColumnName = "Label",
        string textColumnName = "Text",
        string? secondTextColumnName = null,
        IDataView? validationSet = null) =>
        catalog.FineTuneText(Options(backbone, labelColumnName, textColumnName, secondTextColumnName, validationSet));

    /// <summary>Fine-tunes a pretrained network into a binary classifier of texts.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">
    /// Only <see cref="TextFineTuningOptions.Backbone"/> must be set.
    /// <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Binary"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneText(
        this BinaryClassificationCatalog.BinaryClassificationTrainers catalog, TextFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Binary());

    /// <summary>Fine-tunes a pretrained network to predict a number from texts, such as the similarity of pairs, with the defaults of
    /// <see cref="TextFineTuningOptions"/>.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="backbone">The network, its weights and its tokenizer.</param>
    /// <param name="labelColumnName">Name of the label column, a Single. Default "Label".</param>
    /// <param name="textColumnName">Name of the column of texts. Default "Text".</param>
    /// <param name="secondTextColumnName">Name of the second column, for pairs of texts. Default null: single texts.</param>
    /// <param name="validationSet">Validation data for the choice of the best epoch. Default null: 20 % of the training data.</param>
    /// <exception cref="ArgumentException">The name of a column is empty.</exception>
    public static FineTuningTrainer FineTuneText(
        this RegressionCatalog.RegressionTrainers catalog,
        TextBackbone backbone,
        string labelColumnName = "Label",
        string textColumnName = "Text",
        string? secondTextColumnName = null,
        IDataView? validationSet = null) =>
        catalog.FineTuneText(Options(backbone, labelColumnName, textColumnName, secondTextColumnName, validationSet));

    /// <summary>Fine-tunes a pretrained network to predict a number from texts.</summary>
    /// <param name="catalog">The trainer catalog of the task.</param>
    /// <param name="options">
    /// Only <see cref="TextFineTuningOptions.Backbone"/> must be set.
    /// <see cref="FineTuningOptions.Task"/>: <see cref="LearningTask.Regression"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or the task belongs to another catalog.</exception>
    public static FineTuningTrainer FineTuneText(this RegressionCatalog.RegressionTrainers catalog, TextFineTuningOptions options) =>
        TrainerCatalog.Create(catalog, options, LearningTask.Regression());

    private static TextFineTuningOptions Options(
        TextBackbone backbone, string label, string text, string? secondText, IDataView? validationSet)
    {
        var options = new TextFineTuningOptions
        {
            Backbone = backbone,
            LabelColumnName = label,
            TextColumnName = text,
            SecondTextColumnName = secondText,
        };
        return validationSet is null ? options : options with { Validation = ValidationData.Set(validationSet) };
    }
}
