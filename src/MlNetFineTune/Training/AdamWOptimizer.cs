using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

internal sealed record AdamWOptimizer : Optimizer
{
    public AdamWOptimizer(float weightDecay, float beta1, float beta2, float epsilon)
        : base(weightDecay)
    {
        (Beta1, Beta2) = (CheckMemory(beta1, nameof(beta1)), CheckMemory(beta2, nameof(beta2)));
        Epsilon = epsilon > 0 && float.IsFinite(epsilon) ? epsilon : throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "Epsilon must be above 0.");
    }

    public float Beta1 { get; }

    public float Beta2 { get; }

    public float Epsilon { get; }

    public override string ToString() => FormattableString.Invariant($"AdamW(weightDecay: {WeightDecay}, beta1: {Beta1}, beta2: {Beta2}, epsilon: {Epsilon})");

    internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

    /// <summary>
    /// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w = w - lr (wd w + (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)),
    /// with the decay first, as PyTorch orders it.
    /// </summary>
    private sealed class State : OptimizerState
    {
        private readonly AdamWOptimizer _options;
        private readonly Dictionary<Parameter, (Tensor Mean, Tensor Square)> _moments = new(ReferenceEqualityComparer.Instance);
        private int _step;

        public State(AdamWOptimizer options, IReadOnlyList<ParameterGroup> groups)
            : base(groups)
        {
            _options = options;
            foreach (var parameter in groups.SelectMany(group => group.Parameters))
                _moments.Add(parameter, (zeros_like(parameter).DetachFromDisposeScope(), zeros_like(parameter).DetachFromDisposeScope()));
        }

        public override void Step(double learningRate)
        {
            using var noGradients = no_grad();
            var (beta1, beta2) = (ExactDouble.Of(_options.Beta1), ExactDouble.Of(_options.Beta2));
            var (weightDecay, epsilon) = (ExactDouble.Of(_options.WeightDecay), ExactDouble.Of(_options.Epsilon));
            _step++;
            var correction1 = 1 - Math.Pow(beta1, _step);
            var correction2 = Math.Sqrt(1 - Math.Pow(beta2, _step));
            foreach (var group in Groups)
            {
                var rate = learningRate * group.LearningRateScale;
                foreach (var parameter in group.Parameters)
                {
                    using var scope = NewDisposeScope();
                    if (GradientOf(parameter) is not { } gradient)
                        continue;
                    var (mean, square) = _moments[parameter];
                    if (group.Decays && weightDecay > 0)
                        parameter.mul_(1 - rate * weightDecay);
                    mean.lerp_(gradient, 1 - beta1);
                    square.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
                    var denominator = square.sqrt().div_(correction2).add_(epsilon);
                    parameter.addcdiv_(mean, denominator, -rate / correction1);
                }
            }
        }

        public override void Dispose()
        {
            foreach (var (mean, square) in _moments.Values)
            {
                mean.Dispose();
                square.Dispose();
            }
            _moments.Clear();
        }
    }
}
