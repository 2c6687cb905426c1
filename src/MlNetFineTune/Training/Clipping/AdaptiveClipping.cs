using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

public abstract partial record GradientClipping
{
    internal sealed record AdaptiveClipping : GradientClipping
    {
        public AdaptiveClipping(float factor) => Factor = CheckAboveZero(factor, nameof(factor));

        public float Factor { get; }

        public override string ToString() => FormattableString.Invariant($"Adaptive({Factor})");

        /// <summary>g = g min(1, factor max(|w|, 0.001) / |g|) for each unit.</summary>
        internal override void Clip(IReadOnlyList<Parameter> body, IReadOnlyList<Parameter> head)
        {
            using var noGradients = no_grad();
            var factor = ExactDouble.Of(Factor);
            foreach (var parameter in body)
            {
                using var scope = NewDisposeScope();
                if (parameter.grad is not { } gradient)
                    continue;
                var largest = NormsOfUnits(parameter).ClampMin_(1e-3).Mul_(factor);
                var norms = NormsOfUnits(gradient);
                gradient.mul_(where(norms.lt(largest), ones_like(norms), largest.div(norms.ClampMin(1e-6))));
            }
        }

        // [outputs, ...] -> [outputs, 1, ...]; a vector or scalar -> one norm.
        private static Tensor NormsOfUnits(Tensor tensor) => tensor.ndim < 2
            ? tensor.norm()
            : tensor.flatten(1).norm(1).view([-1, .. Enumerable.Repeat(1L, (int)tensor.ndim - 1)]);
    }
}
