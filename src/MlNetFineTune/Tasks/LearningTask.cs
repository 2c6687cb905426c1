using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// What is learnt from the label: its type, the loss that training makes small, the metrics that judge an epoch, and the columns that the
/// model writes. Every kind of network learns every task. A catalog stands for one task with its defaults
/// (<c>ml.MulticlassClassification</c>: <see cref="Multiclass"/>), which <see cref="FineTuningOptions.Task"/> replaces by one with options.
/// </summary>
public abstract record LearningTask
{
    private protected LearningTask()
    {
    }

    /// <summary>
    /// One of several classes. Label: a key (<c>Conversion.MapValueToKey</c> makes one). Columns: <c>Score</c>, a vector of probabilities that
    /// sum to 1; <c>PredictedLabel</c>, a key with the label's values.
    /// </summary>
    /// <param name="loss">Default null: <see cref="ClassificationLoss.CrossEntropy"/>.</param>
    /// <param name="classWeights">How much the rows of each class count in the loss. Default null: <see cref="ClassWeights.None"/>.</param>
    /// <param name="calibration">Makes probabilities honest, by the validation rows. Default null: <see cref="Calibration.None"/>.</param>
    public static LearningTask Multiclass(
        ClassificationLoss? loss = null, ClassWeights? classWeights = null, Calibration? calibration = null) =>
        new MulticlassTask(loss ?? ClassificationLoss.CrossEntropy(), classWeights ?? ClassWeights.None, calibration ?? Calibration.None);

    /// <summary>
    /// Yes or no, by one logit and binary cross-entropy. Label: a Boolean. Columns: <c>Score</c>, the logit; <c>Probability</c>, its sigmoid;
    /// <c>PredictedLabel</c>, a Boolean.
    /// </summary>
    /// <param name="classWeights">Classes are called "False" and "True". Default null: <see cref="ClassWeights.None"/>.</param>
    /// <param name="calibration">Makes probabilities honest, by the validation rows. Default null: <see cref="Calibration.None"/>.</param>
    public static LearningTask Binary(ClassWeights? classWeights = null, Calibration? calibration = null)
    {
        classWeights?.Check(BinaryObjective.Classes);
        return new BinaryTask(classWeights ?? ClassWeights.None, calibration ?? Calibration.None);
    }

    /// <summary>A number. Label: a Single; NaN counts as missing. Column: <c>Score</c>, the number, in the label's unit.</summary>
    /// <param name="loss">Default null: <see cref="RegressionLoss.SquaredError"/>.</param>
    public static LearningTask Regression(RegressionLoss? loss = null) => new RegressionTask(loss ?? RegressionLoss.SquaredError);

    /// <summary>
    /// Any number of labels a row, such as the tags of a photo: a sigmoid and binary cross-entropy for each label apart, in the mean over
    /// the labels. Label: a vector of Boolean of known size, whose labels are named by its slots (by index where they have no names), as
    /// <c>Concatenate</c> of Boolean columns makes it; or a vector of keys, of any size, as <c>Conversion.MapValueToKey</c> makes it of a
    /// list of tags. An empty list is a row that has none of the labels, and so is one of missing keys alone: no row's label is missing, so
    /// leave out rows that nobody has labelled. Columns: <c>Score</c>, a vector of probabilities with the labels' names, NaN where a row
    /// could not be read; <c>PredictedLabel</c>, a vector of Boolean with the same names, all false there. Trainers:
    /// <c>ml.FineTuning.FineTuneImages</c> and <c>FineTuneModule</c>; metrics: <c>ml.FineTuning.EvaluateMultiLabel</c>.
    /// </summary>
    /// <param name="positiveWeights">How many times the loss counts where a label is there. Default null: once
    /// (<see cref="PositiveWeights.None"/>).</param>
    /// <param name="thresholds">Probabilities above which a row has a label. Default null: 0.5
    /// (<see cref="LabelThresholds.Fixed"/>).</param>
    public static LearningTask MultiLabel(PositiveWeights? positiveWeights = null, LabelThresholds? thresholds = null) =>
        new MultiLabelTask(positiveWeights ?? PositiveWeights.None, thresholds ?? LabelThresholds.Fixed());

    /// <summary>For messages.</summary>
    internal abstract string Name { get; }

    /// <summary>The context's catalog that the task belongs to, and whose <c>Evaluate</c> judges it.</summary>
    internal abstract string Catalog { get; }

    /// <summary>The sentence that says why this task needs validation rows; null where it does not.</summary>
    internal virtual string? NeedsValidation => null;

    /// <summary>The same without what is fitted on validation rows.</summary>
    internal virtual LearningTask WithoutValidation => this;

    /// <summary>The output columns by the option that names them: they must differ.</summary>
    internal abstract IReadOnlyList<(string Option, string Name)> OutputsOf(TaskColumns columns);

    /// <exception cref="Exception">The label is missing or of another type; in ML.NET's words.</exception>
    internal abstract void CheckLabel(IExceptionContext context, SchemaShape schema, TaskColumns columns);

    /// <summary>The columns that will be written, once <see cref="CheckLabel"/> has passed.</summary>
    internal abstract SchemaShape.Column[] OutputShapes(SchemaShape schema, TaskColumns columns);

    /// <summary>The task of data whose label is known.</summary>
    internal abstract BoundTask Bind(DataViewSchema schema, TaskColumns columns);

    /// <exception cref="Exception">The column is missing or of another type; in ML.NET's words.</exception>
    private protected static SchemaShape.Column LabelOf(
        IExceptionContext context, SchemaShape schema, TaskColumns columns, string expected, Func<SchemaShape.Column, bool> accepts) =>
        !schema.TryFindColumn(columns.Label, out var label) ? throw context.ExceptSchemaMismatch("inputSchema", "label", columns.Label)
        : label.Kind == SchemaShape.Column.VectorKind.Scalar && accepts(label) ? label
        : throw context.ExceptSchemaMismatch("inputSchema", "label", label.Name, expected, label.GetTypeString());
}
