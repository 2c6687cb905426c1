using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// One head of <see cref="LearningTask.Several"/>: a label column and its task. Rows without this label (a missing key, NaN) are excluded
/// from the head's loss and metrics. The head's output columns are named after the label: <c>{Label}Score</c>, <c>{Label}PredictedLabel</c>
/// and <c>{Label}Probability</c>, if its task has them.
/// </summary>
public sealed record TaskHead
{
    /// <param name="labelColumnName">Name of the label column, of the type that the task requires.</param>
    /// <param name="task">
    /// Task of the head; not <see cref="LearningTask.Several"/>, <see cref="LearningTask.TokenClassification"/> or
    /// <see cref="LearningTask.QuestionAnswering"/>.
    /// </param>
    /// <param name="weight">Weight of the head's mean loss in the sum. Above 0, finite. Default 1.</param>
    /// <exception cref="ArgumentException">The name is empty, or the task is one of these three.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The weight is not above 0 and finite.</exception>
    public TaskHead(string labelColumnName, LearningTask task, float weight = 1)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentNullException.ThrowIfNull(task);
        if (task is SeveralTask)
            throw new ArgumentException("A head has one task: name the heads of several in one list.", nameof(task));
        if (task.HasTokenOutputs)
        {
            throw new ArgumentException(
                $"LearningTask.{task.Name} has outputs for the tokens of a text, and several heads for the row: train it by itself.",
                nameof(task));
        }
        if (!(weight > 0 && float.IsFinite(weight)))
            throw new ArgumentOutOfRangeException(nameof(weight), weight, "The weight of a head must be above 0.");
        (LabelColumnName, Task, Weight) = (labelColumnName, task, weight);
    }

    /// <summary>Name of the label column.</summary>
    public string LabelColumnName { get; }

    /// <summary>Task of the head.</summary>
    public LearningTask Task { get; }

    /// <summary>Weight of the head's mean loss in the sum. Above 0.</summary>
    public float Weight { get; }

    /// <summary>Label column, task and weight as text, in the invariant culture.</summary>
    public override string ToString() => FormattableString.Invariant($"{LabelColumnName}: {Task}{(Weight == 1 ? "" : $" x {Weight}")}");

    internal TaskColumns Columns =>
        new(LabelColumnName, LabelColumnName + "Score", LabelColumnName + "PredictedLabel", LabelColumnName + "Probability");
}
