using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record Strategy
{
    private sealed record GradualStrategy : Strategy
    {
        private readonly int _epochsEach;
        private readonly float _layerDecay;

        public GradualStrategy(int epochsEach, float layerDecay)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(epochsEach);
            (_epochsEach, _layerDecay) = (epochsEach, CheckDecay(layerDecay));
        }

        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs)
        {
            // With fewer phases than stages several stages are unfrozen at once; the last phase trains everything for the remaining epochs.
            var parts = Math.Clamp(epochs / _epochsEach, 1, stages.Count + 1);
            return new([.. Enumerable.Range(0, parts).Select(part => PhaseRule.Of(
                stages.Count,
                trained: parts == 1 ? stages.Count : part * stages.Count / (parts - 1),
                _layerDecay,
                part < parts - 1 ? _epochsEach : epochs - (parts - 1) * _epochsEach))]);
        }

        public override string ToString() => FormattableString.Invariant($"Gradual(epochsEach: {_epochsEach}, layerDecay: {_layerDecay})");
    }
}
