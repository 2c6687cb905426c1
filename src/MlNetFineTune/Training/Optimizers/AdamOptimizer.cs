using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

public abstract partial record Optimizer
{
    private sealed record AdamOptimizer : AdamFamily
    {
        public AdamOptimizer(float weightDecay, float beta1, float beta2, float epsilon)
            : base(weightDecay, beta1, beta2, epsilon)
        {
        }

        public override string ToString() => Text("Adam");

        internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

        /// <summary>g = g + wd w first; then Adam.</summary>
        private sealed class State(AdamOptimizer options, IReadOnlyList<ParameterGroup> groups) : AdamState(groups, options)
        {
            protected override void Update(
                Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate, double weightDecay) =>
                Descend(parameter, Decayed(gradient, parameter, scratch, weightDecay), memory, scratch, rate);
        }
    }
}
