using System.Globalization;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record Strategy
{
    private sealed record ProbeThenFullStrategy : Strategy
    {
        private readonly float _probe;
        private readonly float _probeRate;
        private readonly float _fullRate;
        private readonly float _layerDecay;

        public ProbeThenFullStrategy(float probe, float probeRate, float fullRate, float layerDecay)
        {
            _probe = probe is > 0 and < 1 ? probe
                : throw new ArgumentOutOfRangeException(
                    nameof(probe), probe, "The probe's share of the epochs must be above 0 and below 1.");
            _probeRate = CheckRate(probeRate, nameof(probeRate));
            _fullRate = CheckRate(fullRate, nameof(fullRate));
            _layerDecay = CheckDecay(layerDecay);
        }

        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs)
        {
            if (epochs < 2)
                throw new ArgumentException($"{this} needs at least 2 epochs: one for the probe, and one for the whole network.");
            var probe = Math.Clamp((int)MathF.Round(epochs * _probe), 1, epochs - 1);
            var full = PhaseRule.Of(stages.Count, stages.Count, _layerDecay, epochs - probe);
            return new(
            [
                new PhaseRule(probe, parameter => parameter.Stage < stages.Count ? 0 : _probeRate) { Augments = false },
                full with { KeepsStatistics = true, ScaleOf = parameter => _fullRate * full.ScaleOf(parameter) },
            ]);
        }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture,
                $"ProbeThenFull(probe: {_probe}, probeRate: {_probeRate}, fullRate: {_fullRate}, layerDecay: "
                + $"{_layerDecay})");
    }
}
