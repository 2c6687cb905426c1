using System.Globalization;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

public abstract partial record Strategy
{
    private sealed record CustomStrategy : Strategy
    {
        private readonly Func<string, float> _rule;

        public CustomStrategy(Func<string, float> rule)
        {
            ArgumentNullException.ThrowIfNull(rule);
            _rule = rule;
        }

        internal override PlanRules Resolve(string network, IReadOnlyList<string> stages, int epochs) =>
            new([new PhaseRule(epochs, ScaleOf)]);

        public override string ToString() => nameof(Custom);

        private float ScaleOf(NetworkParameter parameter)
        {
            var factor = _rule(parameter.Name);
            return factor >= 0 && float.IsFinite(factor)
                ? factor
                : throw new ArgumentException(
                    string.Create(CultureInfo.InvariantCulture, $"Strategy.Custom: the rule gives {factor} for '{parameter.Name}'; "
                        + $"expected a factor of the learning rate, 0 to freeze."));
        }
    }
}
