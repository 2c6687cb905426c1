using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record Strategy
{
    private sealed record ContrastiveStrategy : Strategy
    {
        private readonly int _iterations;
        private readonly float _encoderRate;
        private readonly float _probeRate;
        private readonly float _layerDecay;

        public ContrastiveStrategy(int iterations, float encoderRate, float probeRate, float layerDecay)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(iterations);
            _iterations = iterations;
            _encoderRate = CheckRate(encoderRate, nameof(encoderRate));
            _probeRate = CheckRate(probeRate, nameof(probeRate));
            _layerDecay = CheckDecay(layerDecay);
        }

        internal override bool TrainsPairs => true;

        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs)
        {
            if (epochs <= _iterations)
            {
                throw new ArgumentException(
                    $"{this} needs more than {_iterations} epochs, as the first {_iterations} train on pairs and the others the head, and "
                    + $"Epochs is {epochs}: set Epochs, for example to {_iterations + 100L}, or lower iterations.");
            }
            return new(
            [
                new PhaseRule(_iterations, ScaleInPairs) { TrainsPairs = true, KeepsStatistics = true },
                new PhaseRule(epochs - _iterations, parameter => parameter.Stage < stages.Count ? 0 : _probeRate) { Augments = false },
            ]);

            float ScaleInPairs(NetworkParameter parameter) =>
                parameter.Stage < stages.Count ? _encoderRate * MathF.Pow(_layerDecay, stages.Count - 1 - parameter.Stage) : 0;
        }

        public override string ToString() => FormattableString.Invariant(
            $"ContrastiveThenProbe({_iterations}, encoderRate: {_encoderRate}, probeRate: {_probeRate}, layerDecay: {_layerDecay})");
    }
}
