using MlNetFineTune.Data;
using MlNetFineTune.Tasks;







namespace MlNetFineTune;

/// <summary>
/// How much the rows of each class count in the loss, in training and in validation: a row of weight 2 counts as two rows would. Accuracy counts every row once all the same.
/// A mixed row (<see cref="Augmentation.MixUp"/>, <see cref="Augmentation.CutMix"/>) has the mean of its classes' weights.
/// </summary>
public abstract record ClassWeights
{
    private protected ClassWeights()
    {
    }

    /// <summary>All rows count alike.</summary>
    public static ClassWeights None { get; } = new NoClassWeights();

    /// <summary>All classes count alike, however many rows they have: n / (k * count) for n training rows, k classes that have any, and the count of the class (scikit-learn's <c>balanced</c>).</summary>
    public static ClassWeights Balanced { get; } = new BalancedClassWeights();

    /// <summary>By name; the others have 1.</summary>
    /// <param name="weights">Names as <see cref="FineTuningTransformer.Classes"/> gives them; "False" and "True" in binary classification. Weights above 0.</param>
    public static ClassWeights Of(params (string Class, float Weight)[] weights) => new NamedClassWeights(weights);

    /// <summary>In the order of the label's key values; false before true in binary classification.</summary>
    /// <param name="weights">One a class. Above 0.</param>
    public static ClassWeights Of(params float[] weights) => new OrderedClassWeights(weights);

    /// <exception cref="InvalidOperationException">These are weights of other classes.</exception>
    internal virtual void Check(IReadOnlyList<string> classes)
    {
    }

    /// <param name="classes">Names.</param>
    /// <param name="labels">Of the rows that train, from 0.</param>
    /// <returns>One a class; null where all are 1.</returns>
    internal abstract float[]? Resolve(IReadOnlyList<string> classes, float[] labels);

    private protected static float CheckWeight(float weight, string what) => weight > 0 && float.IsFinite(weight)
        ? weight
        : throw new ArgumentOutOfRangeException("weights", weight, $"The weight of {what} must be above 0.");
}
