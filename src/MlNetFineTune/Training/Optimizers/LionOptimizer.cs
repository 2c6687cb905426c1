using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

public abstract partial record Optimizer
{
    private sealed record LionOptimizer : Optimizer
    {
        public LionOptimizer(float weightDecay, float beta1, float beta2)
            : base(weightDecay) => (Beta1, Beta2) = (CheckMemory(beta1, nameof(beta1)), CheckMemory(beta2, nameof(beta2)));

        public float Beta1 { get; }

        public float Beta2 { get; }

        public override string ToString() =>
            FormattableString.Invariant($"Lion(weightDecay: {WeightDecay}, beta1: {Beta1}, beta2: {Beta2})");

        internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

        /// <summary>w = w - lr (wd w + sign(b1 m + (1 - b1) g)); m = b2 m + (1 - b2) g: algorithm 2 of the paper.</summary>
        private sealed class State(LionOptimizer options, IReadOnlyList<ParameterGroup> groups)
            : OptimizerState(groups, options, memories: 1)
        {
            private readonly double _beta1 = ExactDouble.Of(options.Beta1);
            private readonly double _beta2 = ExactDouble.Of(options.Beta2);

            protected override void Update(
                Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate, double weightDecay)
            {
                Shrink(parameter, rate, weightDecay);
                var direction = scratch.copy_(memory[0]).Mul_(_beta1).Add_(gradient, 1 - _beta1).sign_();
                parameter.Add_(direction, -rate);
                memory[0].Mul_(_beta2).Add_(gradient, 1 - _beta2);
            }
        }
    }
}
