using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

public abstract partial record GradientClipping
{
    private sealed record NormClipping : GradientClipping
    {
        public NormClipping(float largest) => Largest = CheckAboveZero(largest, nameof(largest));

        public float Largest { get; }

        public override string ToString() => FormattableString.Invariant($"Norm({Largest})");

        /// <summary>g = g min(1, largest / (norm + 1e-6)). A NaN norm leaves the gradients unchanged: the loss will show it.</summary>
        internal override void Clip(IReadOnlyList<Parameter> body, IReadOnlyList<Parameter> head)
        {
            using var noGradients = no_grad();
            using var scope = NewDisposeScope();
            var gradients = body.Concat(head).Select(parameter => parameter.grad).OfType<Tensor>().ToList();
            if (gradients.Count == 0)
                return;
            // synchronises with the device
            var norm = stack(gradients.Select(gradient => gradient.norm())).norm().to_type(ScalarType.Float64).item<double>();
            var factor = ExactDouble.Of(Largest) / (norm + 1e-6);
            if (!(factor < 1))
                return;
            foreach (var gradient in gradients)
                gradient.Mul_(factor);
        }
    }
}
