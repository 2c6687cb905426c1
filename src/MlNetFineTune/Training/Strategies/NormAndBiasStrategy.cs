using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

internal sealed record NormAndBiasStrategy : Strategy
{
    // Of one dimension are the biases, and the scales and shifts of norms (and the few scales of whole branches).
    internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
        new([new PhaseRule(epochs, parameter => parameter.Stage == stages.Count || parameter.Parameter.ndim < 2 ? 1 : 0)]);

    public override string ToString() => nameof(NormAndBias);
}
