using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

internal sealed record AdamOptimizer : Optimizer
{
    public AdamOptimizer(float weightDecay, float beta1, float beta2, float epsilon)
        : base(weightDecay)
    {
        (Beta1, Beta2) = (CheckMemory(beta1, nameof(beta1)), CheckMemory(beta2, nameof(beta2)));
        Epsilon = CheckEpsilon(epsilon);
    }

    public float Beta1 { get; }

    public float Beta2 { get; }

    public float Epsilon { get; }

    public override string ToString() => FormattableString.Invariant($"Adam(weightDecay: {WeightDecay}, beta1: {Beta1}, beta2: {Beta2}, epsilon: {Epsilon})");

    internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

    /// <summary>g = g + wd w first; then Adam.</summary>
    private sealed class State(AdamOptimizer options, IReadOnlyList<ParameterGroup> groups) : AdamState(groups, options, options.Beta1, options.Beta2, options.Epsilon)
    {
        protected override void Update(Parameter parameter, Tensor gradient, Tensor[] memory, double rate, double weightDecay) =>
            Descend(parameter, Decayed(gradient, parameter, weightDecay), memory, rate);
    }
}
