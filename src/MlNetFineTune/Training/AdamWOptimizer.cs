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
        Epsilon = CheckEpsilon(epsilon);
    }

    public float Beta1 { get; }

    public float Beta2 { get; }

    public float Epsilon { get; }

    public override string ToString() => FormattableString.Invariant($"AdamW(weightDecay: {WeightDecay}, beta1: {Beta1}, beta2: {Beta2}, epsilon: {Epsilon})");

    internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

    /// <summary>w = w - lr wd w first, as PyTorch orders it; then Adam.</summary>
    private sealed class State(AdamWOptimizer options, IReadOnlyList<ParameterGroup> groups) : AdamState(groups, options, options.Beta1, options.Beta2, options.Epsilon)
    {
        protected override void Update(Parameter parameter, Tensor gradient, Tensor[] memory, double rate, double weightDecay)
        {
            Shrink(parameter, rate, weightDecay);
            Descend(parameter, gradient, memory, rate);
        }
    }
}
