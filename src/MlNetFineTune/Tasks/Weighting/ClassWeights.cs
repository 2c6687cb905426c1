using MlNetFineTune.Data;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// Weights of the classes in the training and validation loss: a row of a class with weight 2 counts like two rows. Other metrics are not
/// weighted. A mixed row (<see cref="Augmentation.MixUp"/>, <see cref="Augmentation.CutMix"/>) has the mean of its class weights, weighted
/// by the label.
/// </summary>
public abstract record ClassWeights
{
    private protected ClassWeights()
    {
    }

    /// <summary>All weights are 1. The default.</summary>
    public static ClassWeights None { get; } = new NoClassWeights();

    /// <summary>
    /// Weights inversely proportional to the class frequencies: n / (k * count) for n training rows, k classes with rows, and the count of
    /// the class (scikit-learn's <c>balanced</c>).
    /// </summary>
    public static ClassWeights Balanced { get; } = new BalancedClassWeights();

    /// <summary>Weights by class name; 1 for other classes. A name that is not a class fails in <c>Fit</c>.</summary>
    /// <param name="weights">
    /// Names of classes, as in <see cref="FineTuningTransformer.Classes"/>, and their weights, each above 0. "False" and "True" in binary
    /// classification. At least one.
    /// </param>
    /// <exception cref="ArgumentException">There is no weight, or a class has two.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0 and finite.</exception>
    public static ClassWeights Of(params (string Class, float Weight)[] weights) => new NamedClassWeights(weights);

    /// <summary>
    /// One weight per class, in the order of the label's key values; false before true in binary classification. A different number of
    /// classes fails in <c>Fit</c>.
    /// </summary>
    /// <param name="weights">One weight per class, each above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A weight is not above 0 and finite.</exception>
    public static ClassWeights Of(params float[] weights) => new OrderedClassWeights(weights);

    /// <exception cref="InvalidOperationException">The weights do not fit the classes.</exception>
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
