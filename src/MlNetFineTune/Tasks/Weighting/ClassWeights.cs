using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// Weights of the classes in the loss of training and validation: a row of weight 2 counts like two rows. Accuracy counts every row once. A
/// mixed row (<see cref="Augmentation.MixUp"/>, <see cref="Augmentation.CutMix"/>) has the mean of its classes' weights.
/// </summary>
public abstract record ClassWeights
{
    private protected ClassWeights()
    {
    }

    /// <summary>All rows have the same weight. The default.</summary>
    public static ClassWeights None { get; } = new NoClassWeights();

    /// <summary>All classes count alike, however many rows they have: n / (k * count) for n training rows, k classes that have any, and the
    /// count of the class (scikit-learn's <c>balanced</c>).</summary>
    public static ClassWeights Balanced { get; } = new BalancedClassWeights();

    /// <summary>Weights by class name. Classes that are not named have weight 1.</summary>
    /// <param name="weights">Names as <see cref="FineTuningTransformer.Classes"/> gives them; "False" and "True"
    /// in binary classification. Weights above 0.</param>
    public static ClassWeights Of(params (string Class, float Weight)[] weights) => new NamedClassWeights(weights);

    /// <summary>One weight per class, in the order of the label's key values; false before true in binary classification.</summary>
    /// <param name="weights">One weight per class, each above 0.</param>
    public static ClassWeights Of(params float[] weights) => new OrderedClassWeights(weights);

    /// <exception cref="InvalidOperationException">These are weights of other classes.</exception>
    internal virtual void Check(IReadOnlyList<string> classes)
    {
    }

    /// <param name="classes">Names of the classes.</param>
    /// <param name="labels">Class of each training row, from 0.</param>
    /// <returns>One weight per class; null where all are 1.</returns>
    internal abstract float[]? Resolve(IReadOnlyList<string> classes, float[] labels);

    private protected static float CheckWeight(float weight, string what) => weight > 0 && float.IsFinite(weight)
        ? weight
        : throw new ArgumentOutOfRangeException("weights", weight, $"The weight of {what} must be above 0.");
}
