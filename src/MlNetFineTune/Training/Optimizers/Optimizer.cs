using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>The optimizer. Weight decay is not applied to biases and normalisation, only to weights with two or more dimensions.</summary>
public abstract partial record Optimizer
{
    private Optimizer(float weightDecay)
    {
        if (!(weightDecay >= 0 && float.IsFinite(weightDecay)))
            throw new ArgumentOutOfRangeException(nameof(weightDecay), weightDecay, "The weight decay must be 0 or above.");
        WeightDecay = weightDecay;
    }

    /// <summary>Factor of weight decay, at least 0.</summary>
    public float WeightDecay { get; }

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101). The default.</summary>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; multiplied by the learning rate in each step. Default 0.01.</param>
    /// <param name="beta1">Decay of the gradient's running mean. At least 0, below 1. Default 0.9.</param>
    /// <param name="beta2">Decay of the running mean of the squared gradient. At least 0, below 1. Default 0.999.</param>
    /// <param name="epsilon">Added to the divisor, so that the quotient is finite. Above 0. Default 1e-8.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Optimizer AdamW(float weightDecay = 0.01f, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f) =>
        new AdamWOptimizer(weightDecay, beta1, beta2, epsilon);

    /// <summary>
    /// Stochastic gradient descent with momentum, as defined by PyTorch. Use a learning rate about ten times that of AdamW.
    /// </summary>
    /// <param name="momentum">Factor of momentum. At least 0, below 1. Default 0.9.</param>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; the decay is added to the gradient. Default 1e-4.</param>
    /// <param name="nesterov">Whether to use Nesterov momentum, which requires a momentum above 0. Default true.</param>
    /// <exception cref="ArgumentException">A number is out of range, or <paramref name="nesterov"/> is set without momentum.</exception>
    public static Optimizer Sgd(float momentum = 0.9f, float weightDecay = 1e-4f, bool nesterov = true) =>
        new SgdOptimizer(momentum, weightDecay, nesterov);

    /// <summary>Adam as in its paper (Kingma and Ba 2014, https://arxiv.org/abs/1412.6980).
    /// With weight decay prefer <see cref="AdamW"/>.</summary>
    /// <param name="weightDecay">
    /// Factor of weight decay, at least 0; added to the gradient (L2 regularisation) and thus scaled like the gradient. Default 0.
    /// </param>
    /// <param name="beta1">Decay of the gradient's running mean. At least 0, below 1. Default 0.9.</param>
    /// <param name="beta2">Decay of the running mean of the squared gradient. At least 0, below 1. Default 0.999.</param>
    /// <param name="epsilon">Added to the divisor, so that the quotient is finite. Above 0. Default 1e-8.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Optimizer Adam(float weightDecay = 0, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f) =>
        new AdamOptimizer(weightDecay, beta1, beta2, epsilon);

    /// <summary>
    /// RMSprop: the gradient divided by the root of its mean square (Tieleman and Hinton 2012), as defined by PyTorch; used in the original
    /// trainings of EfficientNet and MobileNet.
    /// </summary>
    /// <param name="smoothing">Decay of the running mean of the squared gradient. At least 0, below 1. Default 0.99.</param>
    /// <param name="momentum">Factor of momentum. At least 0, below 1. Default 0.</param>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; the decay is added to the gradient. Default 0.</param>
    /// <param name="epsilon">Added to the divisor, so that the quotient is finite. Above 0. Default 1e-8.</param>
    /// <param name="centered">
    /// Whether to divide by the gradient's standard deviation instead (Graves 2013, https://arxiv.org/abs/1308.0850). Default false.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Optimizer RmsProp(
        float smoothing = 0.99f, float momentum = 0, float weightDecay = 0, float epsilon = 1e-8f, bool centered = false) =>
        new RmsPropOptimizer(smoothing, momentum, weightDecay, epsilon, centered);

    /// <summary>
    /// Lion: steps by the sign of the gradient's running mean, so that all parameters change by the same amount (Chen et al. 2023,
    /// https://arxiv.org/abs/2302.06675); half the memory of Adam. Use a learning rate three to ten times smaller than with AdamW, and a
    /// weight decay larger by the same factor.
    /// </summary>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; multiplied by the learning rate in each step. Default 0.1.</param>
    /// <param name="beta1">Weight of the running mean in the direction of a step. At least 0, below 1. Default 0.9.</param>
    /// <param name="beta2">Decay of the gradient's running mean. At least 0, below 1. Default 0.99.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public static Optimizer Lion(float weightDecay = 0.1f, float beta1 = 0.9f, float beta2 = 0.99f) =>
        new LionOptimizer(weightDecay, beta1, beta2);

    internal abstract OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups);

    private protected static float CheckMemory(float value, string name) => value is >= 0 and < 1
        ? value
        : throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 0 and below 1.");

    private protected static float CheckEpsilon(float epsilon) => epsilon > 0 && float.IsFinite(epsilon)
        ? epsilon
        : throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "Epsilon must be above 0.");
}
