using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

internal sealed record SgdOptimizer : Optimizer
{
    public SgdOptimizer(float momentum, float weightDecay, bool nesterov)
        : base(weightDecay)
    {
        Momentum = CheckMemory(momentum, nameof(momentum));
        if (nesterov && momentum == 0)
            throw new ArgumentException("Nesterov's look ahead needs momentum: set momentum above 0 or nesterov to false.", nameof(nesterov));
        Nesterov = nesterov;
    }

    public float Momentum { get; }

    public bool Nesterov { get; }

    public override string ToString() => FormattableString.Invariant($"Sgd(momentum: {Momentum}, weightDecay: {WeightDecay}, nesterov: {Nesterov})");

    internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

    /// <summary>b = g at first, then mu b + g;  w = w - lr (g + mu b) with Nesterov, else w - lr b (Sutskever et al. 2013, in PyTorch's form).</summary>
    private sealed class State(SgdOptimizer options, IReadOnlyList<ParameterGroup> groups) : OptimizerState(groups)
    {
        private readonly Dictionary<Parameter, Tensor> _momenta = new(ReferenceEqualityComparer.Instance);

        public override void Step(double learningRate)
        {
            using var noGradients = no_grad();
            var (momentum, weightDecay) = (ExactDouble.Of(options.Momentum), ExactDouble.Of(options.WeightDecay));
            foreach (var group in Groups)
            {
                var rate = learningRate * group.LearningRateScale;
                foreach (var parameter in group.Parameters)
                {
                    using var scope = NewDisposeScope();
                    if (GradientOf(parameter) is not { } gradient)
                        continue;
                    if (group.Decays && weightDecay > 0)
                        gradient = gradient.add(parameter, weightDecay);
                    if (momentum > 0)
                    {
                        if (_momenta.TryGetValue(parameter, out var velocity))
                            velocity.mul_(momentum).add_(gradient);
                        else
                            _momenta.Add(parameter, velocity = gradient.clone().DetachFromDisposeScope());
                        gradient = options.Nesterov ? gradient.add(velocity, momentum) : velocity;
                    }
                    parameter.add_(gradient, -rate);
                }
            }
        }

        public override void Dispose()
        {
            foreach (var velocity in _momenta.Values)
                velocity.Dispose();
            _momenta.Clear();
        }
    }
}
