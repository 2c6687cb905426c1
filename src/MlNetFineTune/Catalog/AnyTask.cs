using Microsoft.ML;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <content>Trainers for any task, and the evaluation of tasks for which ML.NET has no catalog.</content>
public sealed partial class FineTuningCatalog
{
    /// <summary>
    /// Creates a trainer that fine-tunes an image network for any task. It is the only entry point for tasks without a catalog in ML.NET,
    /// such as <see cref="LearningTask.MultiLabel"/>.
    /// </summary>
    /// <param name="options">
    /// <see cref="ImageFineTuningOptions.Backbone"/> and <see cref="FineTuningOptions.Task"/> must be set.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or say no task.</exception>
    public FineTuningTrainer FineTuneImages(ImageFineTuningOptions options) => TrainerCatalog.Create(this, options);

    /// <summary>Creates a trainer that fine-tunes a text network for any task, such as <see cref="LearningTask.MultiLabel"/>.</summary>
    /// <param name="options">
    /// <see cref="TextFineTuningOptions.Backbone"/> and <see cref="FineTuningOptions.Task"/> must be set.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or say no task.</exception>
    public FineTuningTrainer FineTuneText(TextFineTuningOptions options) => TrainerCatalog.Create(this, options);

    /// <summary>
    /// Creates a trainer for a module of your own and any task. It is the only entry point for tasks without a catalog in ML.NET, such as
    /// <see cref="LearningTask.MultiLabel"/>.
    /// </summary>
    /// <param name="options">
    /// <see cref="ModuleFineTuningOptions.Factory"/> and <see cref="FineTuningOptions.Task"/> must be set.
    /// </param>
    /// <exception cref="ArgumentException">Options contradict each other, or say no task.</exception>
    public FineTuningTrainer FineTuneModule(ModuleFineTuningOptions options) => TrainerCatalog.Create(this, options);

    /// <summary>
    /// Evaluates scored data of a <see cref="LearningTask.MultiLabel"/> model, or of any other model with such columns, in one pass. Keys
    /// are matched with the scores by name. Rows with a NaN score are excluded and counted in <see cref="MultiLabelMetrics.RowsLeftOut"/>.
    /// Scores and labels of all rows stay in memory, 5 bytes for each label of a row.
    /// </summary>
    /// <param name="data">The scored data.</param>
    /// <param name="labelColumnName">
    /// Name of the label column: a vector of Boolean, one for each score; or a vector of keys, of any size. Default "Label".
    /// </param>
    /// <param name="scoreColumnName">
    /// Name of the score column: a vector of Single, one for each label; a higher score means a more probable label. Default "Score".
    /// </param>
    /// <param name="predictedLabelColumnName">
    /// Name of the column of predicted labels: a vector of Boolean, one for each score. Default "PredictedLabel".
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type or size.</exception>
    /// <exception cref="InvalidOperationException">The label column has labels without a score.</exception>
    public MultiLabelMetrics EvaluateMultiLabel(
        IDataView data, string labelColumnName = "Label", string scoreColumnName = "Score",
        string predictedLabelColumnName = "PredictedLabel")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(scoreColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(predictedLabelColumnName);
        return MultiLabelEvaluator.Evaluate(Context, data, labelColumnName, scoreColumnName, predictedLabelColumnName);
    }

    /// <summary>
    /// Evaluates labels of words, of a <see cref="LearningTask.TokenClassification"/> model or any other, in one pass over the data (and
    /// one over each column of texts before it). Rows without labels or predictions are left out and counted in
    /// <see cref="TokenClassificationMetrics.RowsLeftOut"/>.
    /// </summary>
    /// <param name="data">The scored data.</param>
    /// <param name="labelColumnName">
    /// Name of the label column: a vector of text or of keys, of any size. Default "Label".
    /// </param>
    /// <param name="predictedLabelColumnName">
    /// Name of the column of predicted labels: a vector of text or of keys, as long as that of the labels. Default "PredictedLabel".
    /// </param>
    /// <param name="scheme">Scheme of the labels. Default <see cref="LabelScheme.Recognize"/>.</param>
    /// <param name="predictedScheme">
    /// Scheme of the predicted labels, in which entities must be complete to count in the strict metrics; not used for plain labels.
    /// Default <see cref="LabelScheme.Recognize"/>: that of the model, or by the names of the labels, BIOES or IOB2.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">
    /// A row has another number of predictions than labels, or a label is none of its scheme.
    /// </exception>
    public TokenClassificationMetrics EvaluateTokenClassification(
        IDataView data, string labelColumnName = "Label", string predictedLabelColumnName = "PredictedLabel",
        LabelScheme scheme = LabelScheme.Recognize, LabelScheme predictedScheme = LabelScheme.Recognize)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(predictedLabelColumnName);
        return TokenEvaluator.Evaluate(Context, data, labelColumnName, predictedLabelColumnName, scheme, predictedScheme);
    }

    /// <summary>
    /// Evaluates predicted answers, of a <see cref="LearningTask.QuestionAnswering"/> model or any other, in one pass over the data, as
    /// SQuAD's official script does.
    /// </summary>
    /// <param name="data">The scored data.</param>
    /// <param name="labelColumnName">
    /// Name of the label column: Text, empty for no answer; a vector of text with acceptable answers, of which the best counts, empty for
    /// no answer; or a vector of Int32 with the answer's characters in the context. Default "Label".
    /// </param>
    /// <param name="contextColumnName">
    /// Name of the column of contexts; read only if the labels are characters. Default "Context".
    /// </param>
    /// <param name="predictedAnswerColumnName">Name of the column of predicted answers, Text. Default "PredictedAnswer".</param>
    /// <param name="scoreColumnName">
    /// Name of a column of Single that is NaN for rows that could not be scored, which are left out and counted in
    /// <see cref="QuestionAnsweringMetrics.RowsLeftOut"/>; null if none is to be left out. Default "Score".
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">An answer given by its characters is no part of its context.</exception>
    public QuestionAnsweringMetrics EvaluateQuestionAnswering(
        IDataView data, string labelColumnName = "Label", string contextColumnName = "Context",
        string predictedAnswerColumnName = "PredictedAnswer", string? scoreColumnName = "Score")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(contextColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(predictedAnswerColumnName);
        if (scoreColumnName is not null)
            ArgumentException.ThrowIfNullOrWhiteSpace(scoreColumnName);
        return AnswerEvaluator.Evaluate(
            Context, data, labelColumnName, contextColumnName, predictedAnswerColumnName, scoreColumnName);
    }
}
