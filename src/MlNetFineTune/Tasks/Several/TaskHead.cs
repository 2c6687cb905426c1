using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// One head of a network that has several: what it learns, and from which label. A row may lack the label (a missing key, NaN), and then
/// takes no part in this head's loss and metrics. Its columns are named after the label: <c>{Label}Score</c>,
/// <c>{Label}PredictedLabel</c>, <c>{Label}Probability</c>, as far as its task has them.
/// </summary>
public sealed record TaskHead
{
    /// <param name="labelColumnName">The label, of the type that the task wants.</param>
    /// <param name="task">What is learnt.</param>
    /// <param name="weight">By what the head's mean loss is multiplied in the sum. Above 0, default 1.</param>
    /// <exception cref="ArgumentException">The name is empty, or the task has several heads itself.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The weight is not above 0.</exception>
    public TaskHead(string labelColumnName, LearningTask task, float weight = 1)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(labelColumnName);
        ArgumentNullException.ThrowIfNull(task);
        if (task is SeveralTask)
            throw new ArgumentException("A head has one task: name the heads of several in one list.", nameof(task));
        if (!(weight > 0 && float.IsFinite(weight)))
            throw new ArgumentOutOfRangeException(nameof(weight), weight, "The weight of a head must be above 0.");
        (LabelColumnName, Task, Weight) = (labelColumnName, task, weight);
    }

    /// <summary>The label's column.</summary>
    public string LabelColumnName { get; }

    /// <summary>What is learnt.</summary>
    public LearningTask Task { get; }

    /// <summary>By what the head's mean loss is multiplied in the sum. Above 0.</summary>
    public float Weight { get; }

    /// <summary>The options in words, with the same numbers in every culture.</summary>
    public override string ToString() => FormattableString.Invariant($"{LabelColumnName}: {Task}{(Weight == 1 ? "" : $" x {Weight}")}");

    internal TaskColumns Columns =>
        new(LabelColumnName, LabelColumnName + "Score", LabelColumnName + "PredictedLabel", LabelColumnName + "Probability");
}
