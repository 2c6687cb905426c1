using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

public abstract partial record Optimizer
{
    private sealed record AdamWOptimizer : AdamFamily
    {
        public AdamWOptimizer(float weightDecay, float beta1, float beta2, float epsilon)
            : base(weightDecay, beta1, beta2, epsilon)
        {
        }

        public override string ToString() => Text("AdamW");

        internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

        /// <summary>w = w - lr wd w first, as in PyTorch; then Adam.</summary>
        private sealed class State(AdamWOptimizer options, IReadOnlyList<ParameterGroup> groups) : AdamState(groups, options)
        {
            protected override void Update(
                Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate, double weightDecay)
            {
                Shrink(parameter, rate, weightDecay);
                Descend(parameter, gradient, memory, scratch, rate);
            }
        }
    }
}
