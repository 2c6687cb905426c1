using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

internal sealed record NormAndBiasStrategy : Strategy
{
    // One-dimensional parameters are biases, scales and shifts of norms, and a few scales of branches.
    internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
        new([new PhaseRule(epochs, parameter => parameter.Stage == stages.Count || parameter.Parameter.ndim < 2 ? 1 : 0)]);

    public override string ToString() => nameof(NormAndBias);
}
