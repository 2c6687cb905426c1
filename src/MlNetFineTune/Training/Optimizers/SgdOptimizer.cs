using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

public abstract partial record Optimizer
{
    private sealed record SgdOptimizer : Optimizer
    {
        public SgdOptimizer(float momentum, float weightDecay, bool nesterov)
            : base(weightDecay)
        {
            Momentum = CheckMemory(momentum, nameof(momentum));
            if (nesterov && momentum == 0)
                throw new ArgumentException("Nesterov's look ahead needs momentum: set momentum above 0 or nesterov to false.",
                    nameof(nesterov));
            Nesterov = nesterov;
        }

        public float Momentum { get; }

        public bool Nesterov { get; }

        public override string ToString() =>
            FormattableString.Invariant($"Sgd(momentum: {Momentum}, weightDecay: {WeightDecay}, nesterov: {Nesterov})");

        internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

        /// <summary>b = mu b + g; w = w - lr (g + mu b) with Nesterov, otherwise w - lr b (Sutskever et al. 2013, as in PyTorch).</summary>
        private sealed class State(SgdOptimizer options, IReadOnlyList<ParameterGroup> groups)
            : OptimizerState(groups, options, memories: options.Momentum > 0 ? 1 : 0)
        {
            private readonly double _momentum = ExactDouble.Of(options.Momentum);

            protected override void Update(
                Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate, double weightDecay)
            {
                gradient = Decayed(gradient, parameter, scratch, weightDecay);
                if (memory is [var velocity])
                {
                    velocity.Mul_(_momentum).Add_(gradient);
                    gradient = options.Nesterov ? scratch.copy_(gradient).Add_(velocity, _momentum) : velocity;
                }
                parameter.Add_(gradient, -rate);
            }
        }
    }
}
