using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// A task: the type of the label, the loss that training minimises, the metrics of an epoch, and the columns that the model adds. Every
/// kind of network can be trained for every task. A catalog stands for one task with its defaults
/// (<c>ml.MulticlassClassification</c>: <see cref="Multiclass"/>), which <see cref="FineTuningOptions.Task"/> replaces by one with options.
/// </summary>
public abstract record LearningTask
{
    private protected LearningTask()
    {
    }

    /// <summary>
    /// One of several classes. Label: a key (<c>Conversion.MapValueToKey</c> makes one). Columns: <c>Score</c>, a vector of probabilities
    /// that sum to 1; <c>PredictedLabel</c>, a key with the label's values.
    /// </summary>
    /// <param name="loss">The loss. Default null: <see cref="ClassificationLoss.CrossEntropy"/> without smoothing.</param>
    /// <param name="classWeights">Weights of the classes in the loss. Default null: <see cref="ClassWeights.None"/>.</param>
    /// <param name="calibration">Calibration of the probabilities on the validation rows.
    /// Default null: <see cref="Calibration.None"/>.</param>
    public static LearningTask Multiclass(
        ClassificationLoss? loss = null, ClassWeights? classWeights = null, Calibration? calibration = null) =>
        new MulticlassTask(loss ?? ClassificationLoss.CrossEntropy(), classWeights ?? ClassWeights.None, calibration ?? Calibration.None);

    /// <summary>
    /// One of several classes that have an order, such as grades: a neighbour is a smaller mistake than a class far away. Label: a key,
    /// whose values are in the order of the classes (<c>Conversion.MapValueToKey</c> with <c>keyOrdinality: ByValue</c>, or with
    /// <c>keyData</c>: its default is the order in which values occur); two values at least. Columns as <see cref="Multiclass"/>:
    /// <c>Score</c>, a vector of probabilities that sum to 1; <c>PredictedLabel</c>, the most probable class. An image network gets a head
    /// of the proportional odds model (McCullagh 1980): one score and thresholds between the classes, trained by the likelihood. A module
    /// gives a number for each class, as for <see cref="Multiclass"/>, whose softmax are the probabilities. Belongs to
    /// <c>ml.MulticlassClassification</c>; <c>ml.FineTuning.EvaluateOrdinal</c> judges it. Metrics:
    /// <see cref="Metric.QuadraticWeightedKappa"/>, <see cref="Metric.MeanAbsoluteError"/> in classes, <see cref="Metric.Accuracy"/>.
    /// </summary>
    /// <param name="classWeights">How much the rows of each class count in the loss. Default null: <see cref="ClassWeights.None"/>.</param>
    /// <param name="calibration">Makes probabilities honest, by the validation rows. Default null: <see cref="Calibration.None"/>.</param>
    public static LearningTask Ordinal(ClassWeights? classWeights = null, Calibration? calibration = null) =>
        new OrdinalTask(classWeights ?? ClassWeights.None, calibration ?? Calibration.None);

    /// <summary>
    /// Yes or no, by one logit and binary cross-entropy. Label: a Boolean. Columns: <c>Score</c>, the logit, over the temperature of a
    /// calibration; <c>Probability</c>, its sigmoid; <c>PredictedLabel</c>, a Boolean: whether the probability is above the threshold
    /// (which ML.NET's <c>Evaluate</c> takes to be 0.5: with another, <c>ml.FineTuning.EvaluateBinary</c> judges the predicted label).
    /// Metrics: <see cref="Metric.Accuracy"/>, <see cref="Metric.AreaUnderRocCurve"/>, <see cref="Metric.F1"/>.
    /// </summary>
    /// <param name="classWeights">Classes are called "False" and "True". Default null: <see cref="ClassWeights.None"/>.</param>
    /// <param name="calibration">Makes probabilities honest, by the validation rows. Default null: <see cref="Calibration.None"/>.</param>
    /// <param name="threshold">
    /// Of the probability, for the predicted label: given, or tuned on the validation rows.
    /// Default null: <see cref="DecisionThreshold.Default"/>, 0.5.
    /// </param>
    /// <exception cref="InvalidOperationException">The weights are of other classes.</exception>
    public static LearningTask Binary(
        ClassWeights? classWeights = null, Calibration? calibration = null, DecisionThreshold? threshold = null)
    {
        classWeights?.Check(BinaryObjective.Classes);
        return new BinaryTask(
            classWeights ?? ClassWeights.None, calibration ?? Calibration.None, threshold ?? DecisionThreshold.Default);
    }

    /// <summary>
    /// A number. Label: a Single; NaN counts as missing. Column: <c>Score</c>, the number, in the label's unit. Metrics, in the label's
    /// unit: <see cref="Metric.RootMeanSquaredError"/>, <see cref="Metric.MeanAbsoluteError"/>; <see cref="Metric.RSquared"/>.
    /// </summary>
    /// <param name="loss">Default null: <see cref="RegressionLoss.SquaredError"/>.</param>
    /// <param name="outputRange">
    /// Bounds that scores cannot leave, in the label's unit: minimum + (maximum - minimum) sigmoid(output), as fastai's <c>y_range</c>. The
    /// bounds themselves are hardly reached: where labels lie on them, a range some per cent wider trains better. Finite, in order. Default
    /// null: none.
    /// </param>
    /// <param name="standardize">
    /// Whether the network learns (label - mean) / deviation, by the mean and the standard deviation of the training labels (each counted
    /// by its row's weight), so that the same learning rate serves labels of any unit. Scores are brought back. <see cref="Metric.Loss"/>,
    /// in training and in validation, is that of the standardised labels: a squared loss is in units of the variance, the others in units
    /// of the deviation. The delta of <see cref="RegressionLoss.Huber"/> stays in the label's unit. Default true.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A bound is not finite, or they are not in order.</exception>
    public static LearningTask Regression(
        RegressionLoss? loss = null, (float Minimum, float Maximum)? outputRange = null, bool standardize = true) => new RegressionTask(
            loss ?? RegressionLoss.SquaredError, outputRange is (var minimum, var maximum) ? new OutputRange(minimum, maximum) : null,
            standardize);

    /// <summary>
    /// Several heads on one network, each with its label, loss and columns: a class, a number and a yes or no of the same photo. The
    /// training loss is the sum of the heads' mean losses by their weights; a split keeps the classes of the first head that has classes
    /// even, and <see cref="Sampling.BalancedBy"/> makes the classes of one head equally frequent. Metrics are named after the labels
    /// (<c>Species.Accuracy</c>: <see cref="Metric.Of"/>), and so are columns (<see cref="TaskHead"/>). Trainers:
    /// <c>ml.FineTuning.FineTuneImages</c> and <c>FineTuneModule</c>. Not with <c>MixUp</c>, <c>CutMix</c> and <see cref="Distillation"/>.
    /// </summary>
    /// <param name="heads">Two or more, of different labels. A row must have one label at least.</param>
    /// <exception cref="ArgumentException">There are fewer, or two of one label.</exception>
    public static LearningTask Several(params TaskHead[] heads) => SeveralTask.Of(heads);

    /// <summary>
    /// Any number of labels a row, such as the tags of a photo: a sigmoid and binary cross-entropy for each label apart, in the mean over
    /// the labels. Label: a vector of Boolean of known size, whose labels are named by its slots (by index where they have no names), as
    /// <c>Concatenate</c> of Boolean columns makes it; or a vector of keys, of any size, as <c>Conversion.MapValueToKey</c> makes it of a
    /// list of tags. An empty list is a row that has none of the labels, and so is one of missing keys alone: no row's label is missing, so
    /// leave out rows that were not labelled. Columns: <c>Score</c>, a vector of probabilities with the labels' names, NaN where a row
    /// could not be read; <c>PredictedLabel</c>, a vector of Boolean with the same names, all false there. Trainers:
    /// <c>ml.FineTuning.FineTuneImages</c> and <c>FineTuneModule</c>; metrics: <c>ml.FineTuning.EvaluateMultiLabel</c>.
    /// </summary>
    /// <param name="positiveWeights">Factors of the loss of each label in rows that have it. Default null: 1
    /// (<see cref="PositiveWeights.None"/>).</param>
    /// <param name="threshold">Above which probability a row has a label; one that is tuned is tuned for each label apart. Default null:
    /// 0.5 (<see cref="DecisionThreshold.Default"/>).</param>
    public static LearningTask MultiLabel(PositiveWeights? positiveWeights = null, DecisionThreshold? threshold = null) =>
        new MultiLabelTask(positiveWeights ?? PositiveWeights.None, threshold ?? DecisionThreshold.Default);

    /// <summary>The name of the task in messages.</summary>
    internal abstract string Name { get; }

    /// <summary>The context's catalog that the task belongs to, and whose <c>Evaluate</c> judges it.</summary>
    internal abstract string Catalog { get; }

    /// <summary>Whether rows are of classes, which can be weighed and balanced.</summary>
    internal virtual bool HasClasses => true;

    /// <summary>Why rows cannot be balanced by a label, and what to do; null where they can.</summary>
    /// <param name="label">The label's column that was named; null where none was.</param>
    /// <param name="columns">Those of the options.</param>
    internal virtual string? WhyNotBalanced(string? label, TaskColumns columns) =>
        label is not null && label != columns.Label
            ? $"the label of {Name} is '{columns.Label}', and not '{label}': take Sampling.Balanced"
            : HasClasses ? null
            : $"{Name} has no classes: leave it out, or say with ExampleWeightColumnName how much each row counts";

    /// <summary>The sentence that says why this task needs validation rows; null where it does not.</summary>
    internal virtual string? NeedsValidation => null;

    /// <summary>The same without what is fitted on validation rows.</summary>
    internal virtual LearningTask WithoutValidation => this;

    /// <summary>Whether rows may be blended, and their labels in the same proportion.</summary>
    internal virtual bool TakesMixedRows => true;

    /// <summary>The output columns by the option that names them: they must differ.</summary>
    internal abstract IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns);

    /// <exception cref="Exception">The label is missing or has another type; ML.NET's own error.</exception>
    internal abstract void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns);

    /// <summary>The columns that will be written, once <see cref="CheckLabel"/> has passed.</summary>
    internal abstract SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns);

    /// <summary>The task of data whose label is known.</summary>
    internal abstract BoundTask Bind(DataViewSchema schema, TaskColumns columns);

    /// <exception cref="Exception">The label is missing or no key; in ML.NET's words.</exception>
    private protected static SchemaShape.Column KeyOf(IExceptionContext context, SchemaShape schema, TaskColumns columns) =>
        LabelOf(context, schema, columns, "Key (Conversion.MapValueToKey makes one)", label => label.IsKey);

    /// <summary>The status column by the option that names it; none where it is not asked for.</summary>
    private protected static (string Option, string Name)[] StatusOf(TaskColumns columns) =>
        columns.Status is { } status ? [("ImageStatusColumnName", status)] : [];

    /// <exception cref="Exception">The column is missing or of another type; in ML.NET's words.</exception>
    private protected static SchemaShape.Column LabelOf(
        IExceptionContext context, SchemaShape schema, TaskColumns columns, string expected, Func<SchemaShape.Column, bool> accepts) =>
        !schema.TryFindColumn(columns.Label, out var label) ? throw context.ExceptSchemaMismatch("inputSchema", "label", columns.Label)
        : label.Kind == SchemaShape.Column.VectorKind.Scalar && accepts(label) ? label
        : throw context.ExceptSchemaMismatch("inputSchema", "label", label.Name, expected, label.GetTypeString());
}
