using Microsoft.ML;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <content>Trainers of any task, and the metrics of tasks that ML.NET has no catalog for.</content>
public sealed partial class FineTuningCatalog
{
    /// <summary>
    /// Fine-tunes a pretrained network on images, for any task: the door of those that ML.NET has no catalog for, such as
    /// <see cref="LearningTask.MultiLabel"/>.
    /// </summary>
    /// <param name="options">
    /// <see cref="ImageFineTuningOptions.Backbone"/> and <see cref="FineTuningOptions.Task"/> must be set.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or say no task.</exception>
    public FineTuningTrainer FineTuneImages(ImageFineTuningOptions options) => TrainerCatalog.Create(this, options);

    /// <summary>
    /// Trains a module of your own, for any task: the door of those that ML.NET has no catalog for, such as
    /// <see cref="LearningTask.MultiLabel"/>.
    /// </summary>
    /// <param name="options">
    /// <see cref="ModuleFineTuningOptions.Factory"/> and <see cref="FineTuningOptions.Task"/> must be set.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or say no task.</exception>
    public FineTuningTrainer FineTuneModule(ModuleFineTuningOptions options) => TrainerCatalog.Create(this, options);

    /// <summary>
    /// Judges the scored data of a model of <see cref="LearningTask.MultiLabel"/>, or of any other that writes such columns, in one pass.
    /// Labels that are keys are matched with the scores by name. Rows whose scores are missing (NaN) are left out, and counted.
    /// </summary>
    /// <param name="data">With the columns below.</param>
    /// <param name="labelColumnName">A vector of Boolean, one for each score; or a vector of keys, of any size. Default "Label".</param>
    /// <param name="scoreColumnName">A vector of Single: a number for each label, higher where it is surer. Default "Score".</param>
    /// <param name="predictedLabelColumnName">A vector of Boolean, one for each score. Default "PredictedLabel".</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing, or of another type or size.</exception>
    /// <exception cref="InvalidOperationException">There are labels for which there are no scores.</exception>
    public MultiLabelMetrics EvaluateMultiLabel(
        IDataView data, string labelColumnName = "Label", string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(scoreColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(predictedLabelColumnName);
        return MultiLabelEvaluator.Evaluate(Context, data, labelColumnName, scoreColumnName, predictedLabelColumnName);
    }
}
