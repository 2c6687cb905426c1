using System.Globalization;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

public abstract partial record Optimizer
{
    private sealed record RmsPropOptimizer : Optimizer
    {
        public RmsPropOptimizer(float smoothing, float momentum, float weightDecay, float epsilon, bool centered)
            : base(weightDecay)
        {
            (Smoothing, Momentum) = (CheckMemory(smoothing, nameof(smoothing)), CheckMemory(momentum, nameof(momentum)));
            (Epsilon, Centered) = (CheckEpsilon(epsilon), centered);
        }

        public float Smoothing { get; }

        public float Momentum { get; }

        public float Epsilon { get; }

        public bool Centered { get; }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture,
                $"RmsProp(smoothing: {Smoothing}, momentum: {Momentum}, weightDecay: {WeightDecay}, epsilon: "
                + $"{Epsilon}, centered: {Centered})");

        internal override OptimizerState CreateState(IReadOnlyList<ParameterGroup> groups) => new State(this, groups);

        /// <summary>
        /// v = a v + (1 - a) g^2;  centered: m = a m + (1 - a) g and v - m^2 in place of v;  b = mu b + g / (sqrt(v) + eps);  w = w - lr b.
        /// As in PyTorch: epsilon is added outside the root, and the learning rate is applied outside the momentum (unlike in TensorFlow).
        /// </summary>
        private sealed class State(RmsPropOptimizer options, IReadOnlyList<ParameterGroup> groups)
            : OptimizerState(groups, options, memories: 1 + (options.Centered ? 1 : 0) + (options.Momentum > 0 ? 1 : 0))
        {
            private readonly double _smoothing = ExactDouble.Of(options.Smoothing);
            private readonly double _momentum = ExactDouble.Of(options.Momentum);
            private readonly double _epsilon = ExactDouble.Of(options.Epsilon);

            protected override void Update(
                Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate, double weightDecay)
            {
                gradient = Decayed(gradient, parameter, scratch, weightDecay);
                memory[0].Mul_(_smoothing).Addcmul_(gradient, gradient, 1 - _smoothing);
                var denominator = (options.Centered ? Variance(gradient, memory[0], memory[1]) : memory[0]).sqrt().Add_(_epsilon);
                if (options.Momentum > 0)
                    parameter.Add_(memory[^1].Mul_(_momentum).Addcdiv_(gradient, denominator, 1), -rate);
                else
                    parameter.Addcdiv_(gradient, denominator, -rate);
            }

            // Rounding may make the difference negative.
            private Tensor Variance(Tensor gradient, Tensor square, Tensor mean)
            {
                mean.Mul_(_smoothing).Add_(gradient, 1 - _smoothing);
                return square.Addcmul(mean, mean, -1).ClampMin_(0);
            }
        }
    }
}
