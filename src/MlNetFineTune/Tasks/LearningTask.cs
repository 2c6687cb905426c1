using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// A machine learning task: it determines the type of the label, the training loss, the validation metrics and the output columns. Every
/// kind of network can be trained for every task. The trainers of a catalog use the catalog's task with its defaults
/// (<c>ml.MulticlassClassification</c>: <see cref="Multiclass"/>) unless <see cref="FineTuningOptions.Task"/> is set.
/// </summary>
public abstract record LearningTask
{
    private protected LearningTask()
    {
    }

    /// <summary>
    /// Multiclass classification. Label: a key, as from <c>Conversion.MapValueToKey</c>. Output columns: <c>Score</c>, a vector of
    /// probabilities that sum to 1; <c>PredictedLabel</c>, a key with the label's values. Metrics: <see cref="Metric.Accuracy"/>,
    /// <see cref="Metric.MacroF1"/>. Catalog: <c>ml.MulticlassClassification</c>.
    /// </summary>
    /// <param name="loss">The loss. Default null: <see cref="ClassificationLoss.CrossEntropy"/> without smoothing.</param>
    /// <param name="classWeights">Weights of the classes in the loss. Default null: <see cref="ClassWeights.None"/>.</param>
    /// <param name="calibration">Calibration of the probabilities on the validation rows.
    /// Default null: <see cref="Calibration.None"/>.</param>
    public static LearningTask Multiclass(
        ClassificationLoss? loss = null, ClassWeights? classWeights = null, Calibration? calibration = null) =>
        new MulticlassTask(loss ?? ClassificationLoss.CrossEntropy(), classWeights ?? ClassWeights.None, calibration ?? Calibration.None);

    /// <summary>
    /// Ordinal classification: classes with an order, such as grades, where an error is worse the more classes it is off. Label: a key with
    /// at least two values in the order of the classes (<c>Conversion.MapValueToKey</c> with <c>keyOrdinality: ByValue</c> or with
    /// <c>keyData</c>; its default is the order of occurrence). Output columns as for <see cref="Multiclass"/>: <c>Score</c>, a vector of
    /// probabilities that sum to 1; <c>PredictedLabel</c>, the most probable class. An image network has a head of the proportional odds
    /// model (McCullagh 1980): one score and thresholds between the classes, trained by maximum likelihood. A module has one output per
    /// class, as for <see cref="Multiclass"/>, with the softmax as probabilities. Catalog: <c>ml.MulticlassClassification</c>; evaluate
    /// with <c>ml.FineTuning.EvaluateOrdinal</c>. Metrics: <see cref="Metric.QuadraticWeightedKappa"/>,
    /// <see cref="Metric.MeanAbsoluteError"/> in classes, <see cref="Metric.Accuracy"/>.
    /// </summary>
    /// <param name="classWeights">Weights of the classes in the loss. Default null: <see cref="ClassWeights.None"/>.</param>
    /// <param name="calibration">Makes probabilities honest, by the validation rows. Default null: <see cref="Calibration.None"/>.</param>
    public static LearningTask Ordinal(ClassWeights? classWeights = null, Calibration? calibration = null) =>
        new OrdinalTask(classWeights ?? ClassWeights.None, calibration ?? Calibration.None);

    /// <summary>
    /// Binary classification with one logit and binary cross-entropy. Label: a Boolean. Output columns: <c>Score</c>, the logit, divided by
    /// the temperature of a calibration; <c>Probability</c>, its sigmoid; <c>PredictedLabel</c>, a Boolean: whether the probability is
    /// above the threshold. ML.NET's <c>Evaluate</c> assumes a threshold of 0.5: for another, use <c>ml.FineTuning.EvaluateBinary</c>.
    /// Catalog: <c>ml.BinaryClassification</c>. Metrics: <see cref="Metric.Accuracy"/>, <see cref="Metric.AreaUnderRocCurve"/>,
    /// <see cref="Metric.F1"/>.
    /// </summary>
    /// <param name="classWeights">
    /// Weights of the classes in the loss; their names are "False" and "True". Default null: <see cref="ClassWeights.None"/>.
    /// </param>
    /// <param name="calibration">Makes probabilities honest, by the validation rows. Default null: <see cref="Calibration.None"/>.</param>
    /// <param name="threshold">
    /// Threshold of the probability for the predicted label: fixed, or tuned on the validation rows. Default null:
    /// <see cref="DecisionThreshold.Default"/>, 0.5.
    /// </param>
    /// <exception cref="InvalidOperationException">
    /// <paramref name="classWeights"/> are not weights of two classes named "False" and "True".
    /// </exception>
    public static LearningTask Binary(
        ClassWeights? classWeights = null, Calibration? calibration = null, DecisionThreshold? threshold = null)
    {
        classWeights?.Check(BinaryObjective.Classes);
        return new BinaryTask(
            classWeights ?? ClassWeights.None, calibration ?? Calibration.None, threshold ?? DecisionThreshold.Default);
    }

    /// <summary>
    /// Regression. Label: a Single; NaN is a missing label. Output column: <c>Score</c>, the prediction in the label's unit. Metrics:
    /// <see cref="Metric.RootMeanSquaredError"/> and <see cref="Metric.MeanAbsoluteError"/> in the label's unit,
    /// <see cref="Metric.RSquared"/>. Catalog: <c>ml.Regression</c>.
    /// </summary>
    /// <param name="loss">The loss. Default null: <see cref="RegressionLoss.SquaredError"/>.</param>
    /// <param name="outputRange">
    /// Bounds of the scores in the label's unit: score = minimum + (maximum - minimum) sigmoid(output), as fastai's <c>y_range</c>. Scores
    /// approach the bounds only asymptotically: if labels equal them, a range that is a few per cent wider trains better. Finite, minimum
    /// below maximum. Default null: no bounds.
    /// </param>
    /// <param name="standardize">
    /// Whether the network is trained on (label - mean) / deviation, with the weighted mean and standard deviation of the training labels,
    /// so that the same learning rate suits labels of any unit. Scores are converted back. <see cref="Metric.Loss"/>, in training and
    /// validation, is that of the standardised labels: a squared loss in units of the variance, others in units of the standard deviation.
    /// The delta of <see cref="RegressionLoss.Huber"/> is in the label's unit. Default true.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A bound is not finite, or the minimum is not below the maximum.</exception>
    public static LearningTask Regression(
        RegressionLoss? loss = null, (float Minimum, float Maximum)? outputRange = null, bool standardize = true) => new RegressionTask(
            loss ?? RegressionLoss.SquaredError, outputRange is (var minimum, var maximum) ? new OutputRange(minimum, maximum) : null,
            standardize);

    /// <summary>
    /// Several heads on one network, each with its label, loss and columns: for example a class, a number and a binary label of the same
    /// photo. The training loss is the sum of the heads' mean losses by their weights; a split keeps the classes of the first head that has
    /// classes even, and <see cref="Sampling.BalancedBy"/> makes the classes of one head equally frequent. Metrics are named after the
    /// labels (<c>Species.Accuracy</c>: <see cref="Metric.Of"/>), and so are columns (<see cref="TaskHead"/>). Trainers:
    /// <c>ml.FineTuning.FineTuneImages</c> and <c>FineTuneModule</c>. Not with <c>MixUp</c>, <c>CutMix</c> and <see cref="Distillation"/>.
    /// </summary>
    /// <param name="heads">Two or more heads with different label columns. Rows without any label are not used.</param>
    /// <exception cref="ArgumentException">There are fewer than two heads, or two heads have the same label column.</exception>
    public static LearningTask Several(params TaskHead[] heads) => SeveralTask.Of(heads);

    /// <summary>
    /// Multi-label classification: any number of labels per row, such as the tags of a photo, with a sigmoid and binary cross-entropy for
    /// each label, averaged over the labels. Label: a vector of Boolean of known size, as from <c>Concatenate</c> of Boolean columns, with
    /// labels named by its slots (by index without slot names); or a vector of keys of any size, as from <c>Conversion.MapValueToKey</c> of
    /// a list of tags. An empty vector, or one of missing keys only, means that the row has none of the labels, so filter out rows that
    /// were not labelled. Output columns: <c>Score</c>, a vector of probabilities with the labels' names, NaN if a row could not be read;
    /// <c>PredictedLabel</c>, a vector of Boolean with the same names, all false in this case. Metrics:
    /// <see cref="Metric.MeanAveragePrecision"/>, <see cref="Metric.MicroF1"/>, <see cref="Metric.MacroF1"/>,
    /// <see cref="Metric.HammingLoss"/>. Trainers: <c>ml.FineTuning.FineTuneImages</c> and <c>FineTuneModule</c>; evaluate with
    /// <c>ml.FineTuning.EvaluateMultiLabel</c>.
    /// </summary>
    /// <param name="positiveWeights">
    /// Weights of the positive terms of the loss for each label. Default null: <see cref="PositiveWeights.None"/>, 1.
    /// </param>
    /// <param name="threshold">
    /// Threshold of the probability for predicted labels: fixed, or tuned on the validation rows for each label separately. Default null:
    /// <see cref="DecisionThreshold.Default"/>, 0.5.
    /// </param>
    public static LearningTask MultiLabel(PositiveWeights? positiveWeights = null, DecisionThreshold? threshold = null) =>
        new MultiLabelTask(positiveWeights ?? PositiveWeights.None, threshold ?? DecisionThreshold.Default);

    /// <summary>
    /// Token classification: a label for each word, such as the entity that it belongs to, or its part of speech. The input is a column of
    /// words, a vector of text of any size (<c>TextFineTuningOptions.TextColumnName</c>). Label: a vector of text or of keys with one
    /// label for each word. Labels that mark entities of several words can be in any <see cref="LabelScheme"/>; they are converted to IOB2,
    /// unless <see cref="LabelScheme.Iob1"/> is stated.
    /// <para>Output columns, vectors as long as the row has words:
    /// <c>PredictedLabel</c>, text: the most probable label; <c>Score</c>, the probabilities of the labels for each
    /// word, one word after the other, in the order of <see cref="FineTuningTransformer.Classes"/>. And for the entities of the row:
    /// <c>PredictedSpanTypes</c>, text; <c>PredictedSpans</c>, four Int32 for each: first word, word after the last, first UTF-16 unit and
    /// the one after the last in the words joined by a blank (<see cref="EntitySpan.From"/> reads both). All are empty for a row that could
    /// not be scored.</para>
    /// <para>The loss is the mean over the words, of their first tokens, over all batches of a step. Rows with more tokens than
    /// <c>TextFineTuningOptions.MaximumLength</c> are read in overlapping windows, and the outputs of a word in several windows are
    /// averaged. Metrics: <see cref="Metric.EntityF1"/>, <see cref="Metric.EntityPrecision"/>, <see cref="Metric.EntityRecall"/>,
    /// <see cref="Metric.StrictEntityF1"/>, <see cref="Metric.WordAccuracy"/>; for plain labels the last one only. Trainer:
    /// <c>ml.FineTuning.FineTuneText</c>; evaluate with <c>ml.FineTuning.EvaluateTokenClassification</c>. Not with
    /// <see cref="Distillation"/> and <see cref="Sampling.Balanced"/>; outputs of frozen stages are not cached.</para>
    /// </summary>
    /// <param name="scheme">
    /// Scheme of the labels. Rows whose labels the stated scheme does not allow are treated as <see cref="FineTuningOptions.BadRows"/>
    /// says. Default <see cref="LabelScheme.Recognize"/>.
    /// </param>
    /// <param name="classWeights">
    /// Weights of the labels in the loss; names are those of <see cref="FineTuningTransformer.Classes"/>. Default null:
    /// <see cref="ClassWeights.None"/>.
    /// </param>
    /// <param name="maximumWords">
    /// Maximum number of words in a row, and a quarter of its maximum number of tokens; memory of a batch grows with it. Rows with more are
    /// treated as <see cref="FineTuningOptions.BadRows"/> says; in scoring their columns are empty. 1 to 65,536. Default 512.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no such scheme, or <paramref name="maximumWords"/> is outside its range.
    /// </exception>
    public static LearningTask TokenClassification(
        LabelScheme scheme = LabelScheme.Recognize, ClassWeights? classWeights = null, int maximumWords = 512)
    {
        if (!Enum.IsDefined(scheme))
            throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "There is no such scheme.");
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumWords, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximumWords, WordInputManifest.MostWords);
        return new TokenClassificationTask(scheme, classWeights ?? ClassWeights.None, maximumWords);
    }

    /// <summary>
    /// Extractive question answering: the span of a context that answers a question, or none. The input is a column of questions
    /// (<c>TextFineTuningOptions.TextColumnName</c>) and one of contexts (<c>SecondTextColumnName</c>). Label: a text, the answer, which
    /// must occur letter by letter in the context (of several occurrences the first is taken, and the log counts such rows), empty if the
    /// context has no answer; or a vector of Int32 with the first UTF-16 unit of the answer in the context and the one after the last,
    /// empty (or of two equal numbers) without an answer. An answer that begins or ends inside of a token is widened to whole tokens.
    /// <para>Output columns: <c>PredictedAnswer</c>, text: characters of the context; <c>PredictedSpan</c>, a vector of Int32 like the
    /// label, both empty if no answer is predicted; <c>Score</c>, the probability of the best answer, whether predicted or not, among all
    /// answers that its window of the context can give and no answer; <c>NoAnswerProbability</c>: the probability of no answer against that
    /// of the best answer, above whose threshold none is predicted. Of a row that could not be scored the first two are empty and the
    /// others NaN.</para>
    /// <para>The loss is the mean of the cross-entropies of first and last token, over all windows of a step. Contexts that do not fit into
    /// <c>TextFineTuningOptions.MaximumLength</c> are read in overlapping windows, each with the question; a window without the answer
    /// learns that it has none. Metrics: <see cref="Metric.ExactMatch"/>, <see cref="Metric.AnswerF1"/>. Trainer:
    /// <c>ml.FineTuning.FineTuneText</c>; evaluate with <c>ml.FineTuning.EvaluateQuestionAnswering</c>. Not with <see cref="Distillation"/>
    /// and <see cref="Sampling.Balanced"/>; outputs of frozen stages are not cached.</para>
    /// </summary>
    /// <param name="maximumAnswerTokens">
    /// Maximum number of tokens in a predicted answer, by which windows overlap, if that is at most half a window. 1 to 65,536. Default 30.
    /// </param>
    /// <param name="noAnswerThreshold">
    /// Threshold of <c>NoAnswerProbability</c> above which no answer is predicted: fixed, or tuned on the validation rows for the decision
    /// whether a row has no answer. Default null: <see cref="DecisionThreshold.Default"/>, 0.5, so that the more probable one is predicted.
    /// </param>
    /// <param name="maximumContextTokens">
    /// Maximum number of tokens in a context; memory of a batch grows with it. Rows with more are treated as
    /// <see cref="FineTuningOptions.BadRows"/> says; in scoring their columns are empty. 1 to 65,536. Default 4,096.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number of tokens is outside its range.</exception>
    public static LearningTask QuestionAnswering(
        int maximumAnswerTokens = 30, DecisionThreshold? noAnswerThreshold = null, int maximumContextTokens = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumAnswerTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximumAnswerTokens, AnswerInputManifest.MostTokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumContextTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximumContextTokens, AnswerInputManifest.MostTokens);
        return new QuestionAnsweringTask(maximumAnswerTokens, noAnswerThreshold ?? DecisionThreshold.Default, maximumContextTokens);
    }

    /// <summary>Name of the task in messages.</summary>
    internal abstract string Name { get; }

    /// <summary>Name of the context's catalog of the task.</summary>
    internal abstract string Catalog { get; }

    /// <summary>Whether rows have classes that can be weighted and balanced.</summary>
    internal virtual bool HasClasses => true;

    /// <summary>The reason why rows cannot be balanced by a label, with an alternative; null if they can.</summary>
    /// <param name="label">The named label column; null for none.</param>
    /// <param name="columns">Columns of the options.</param>
    internal virtual string? WhyNotBalanced(string? label, TaskColumns columns) =>
        label is not null && label != columns.Label
            ? $"the label of {Name} is '{columns.Label}', and not '{label}': take Sampling.Balanced"
            : HasClasses ? null
            : $"{Name} has no classes: leave it out, or say with ExampleWeightColumnName how much each row counts";

    /// <summary>Whether each row has exactly one class, with a probability for each: see <see cref="BoundTask.ClassScores"/>.</summary>
    internal virtual bool HasClassScores => false;

    /// <summary>A sentence why this task needs validation rows; null if it does not.</summary>
    internal virtual string? NeedsValidation => null;

    /// <summary>The task without the parts that are fitted on validation rows.</summary>
    internal virtual LearningTask WithoutValidation => this;

    /// <summary>Whether the network has outputs for words or tokens of a text, instead of for the row.</summary>
    internal virtual bool HasTokenOutputs => false;

    /// <summary>Whether rows and their labels can be mixed.</summary>
    internal virtual bool TakesMixedRows => true;

    /// <summary>The output columns with the options that name them; the names must differ.</summary>
    internal abstract IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns);

    /// <exception cref="Exception">The label is missing or has another type; ML.NET's own error.</exception>
    internal abstract void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns);

    /// <summary>Shapes of the output columns, after <see cref="CheckLabel"/>.</summary>
    internal abstract SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns);

    /// <summary>Binds the task to the label column of a schema.</summary>
    internal abstract BoundTask Bind(DataViewSchema schema, TaskColumns columns);

    /// <summary>Binds the task to the label column of data, if its labels must be found in them. Default: to their schema.</summary>
    internal virtual BoundTask Bind(IDataView data, TaskColumns columns) => Bind(data.Schema, columns);

    /// <exception cref="Exception">The label is missing or is not a key; ML.NET's own error.</exception>
    private protected static SchemaShape.Column KeyOf(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        LabelOf(context, schema, columns, "Key (Conversion.MapValueToKey makes one)", label => label.IsKey);

    /// <summary>The status column with the option that names it; none if it is not requested.</summary>
    private protected static (string Option, string Name)[] StatusOf(TaskColumns columns) =>
        columns.Status is { } status ? [("ImageStatusColumnName", status)] : [];

    /// <exception cref="Exception">The column is missing or has another type; ML.NET's own error.</exception>
    private protected static SchemaShape.Column LabelOf(
        IExceptionContext context, SchemaShape schema, TaskColumns columns, string expected, Func<SchemaShape.Column, bool> accepts) =>
        !schema.TryFindColumn(columns.Label, out var label) ? throw context.ExceptSchemaMismatch("inputSchema", "label", columns.Label)
        : label.Kind == SchemaShape.Column.VectorKind.Scalar && accepts(label) ? label
        : throw context.ExceptSchemaMismatch("inputSchema", "label", label.Name, expected, label.GetTypeString());
}
