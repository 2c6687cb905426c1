using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>The rule by which gradients change weights. Weight decay does not apply to biases and normalisation,
/// only weights of two dimensions and more.</summary>
public abstract partial record Optimizer
{
    private Optimizer(float weightDecay)
    {
        if (!(weightDecay >= 0 && float.IsFinite(weightDecay)))
            throw new ArgumentOutOfRangeException(nameof(weightDecay), weightDecay, "The weight decay must be 0 or above.");
        WeightDecay = weightDecay;
    }

    /// <summary>Factor of weight decay, 0 or above.</summary>
    public float WeightDecay { get; }

    /// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101): a good default.</summary>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; multiplied by the learning rate in each step.</param>
    /// <param name="beta1">Decay of the gradient's running mean. 0 to below 1.</param>
    /// <param name="beta2">Decay of the running mean of the squared gradient. 0 to below 1.</param>
    /// <param name="epsilon">Added to the divisor, so that the quotient is finite. Above 0.</param>
    public static Optimizer AdamW(float weightDecay = 0.01f, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f) =>
        new AdamWOptimizer(weightDecay, beta1, beta2, epsilon);

    /// <summary>Stochastic gradient descent with momentum, as PyTorch defines it.
    /// Use a learning rate about ten times that of AdamW.</summary>
    /// <param name="momentum">Factor of momentum. 0 to below 1.</param>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; the decay is added to the gradient.</param>
    /// <param name="nesterov">Whether Nesterov momentum is used; needs momentum above 0.</param>
    public static Optimizer Sgd(float momentum = 0.9f, float weightDecay = 1e-4f, bool nesterov = true) =>
        new SgdOptimizer(momentum, weightDecay, nesterov);

    /// <summary>Adam as in its paper (Kingma and Ba 2014, https://arxiv.org/abs/1412.6980).
    /// With weight decay prefer <see cref="AdamW"/>.</summary>
    /// <param name="weightDecay">0 or above; added to the gradient (L2), and thus divided by its size like the gradient itself.</param>
    /// <param name="beta1">Decay of the gradient's running mean. 0 to below 1.</param>
    /// <param name="beta2">Decay of the running mean of the squared gradient. 0 to below 1.</param>
    /// <param name="epsilon">Added to the divisor, so that the quotient is finite. Above 0.</param>
    public static Optimizer Adam(float weightDecay = 0, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f) =>
        new AdamOptimizer(weightDecay, beta1, beta2, epsilon);

    /// <summary>The gradient divided by the root of its mean square (Tieleman and Hinton 2012), as PyTorch defines it: what EfficientNet
    /// and MobileNet were trained with.</summary>
    /// <param name="smoothing">Decay of the running mean of the squared gradient. 0 to below 1.</param>
    /// <param name="momentum">Factor of momentum. 0 to below 1.</param>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; the decay is added to the gradient.</param>
    /// <param name="epsilon">Added to the divisor, so that the quotient is finite. Above 0.</param>
    /// <param name="centered">Whether to divide by the gradient's deviation from its mean (Graves 2013,
    /// https://arxiv.org/abs/1308.0850).</param>
    public static Optimizer RmsProp(
        float smoothing = 0.99f, float momentum = 0, float weightDecay = 0, float epsilon = 1e-8f, bool centered = false) =>
        new RmsPropOptimizer(smoothing, momentum, weightDecay, epsilon, centered);

    /// <summary>
    /// The sign of the gradient's mean, so that every number moves by the same amount (Chen et al. 2023,
    /// https://arxiv.org/abs/2302.06675); half the memory of Adam. Use a learning rate three to ten times smaller than with AdamW, and
    /// a weight decay larger by the same factor.
    /// </summary>
    /// <param name="weightDecay">Factor of weight decay, 0 or above; multiplied by the learning rate in each step.</param>
    /// <param name="beta1">Share of the running mean in the direction of a step. 0 to below 1.</param>
    /// <param name="beta2">Decay of the gradient's running mean. 0 to below 1.</param>
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
