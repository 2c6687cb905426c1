using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune;

/// <summary>Keeps gradients from being too large, between the loss and the optimizer: a bad batch then
/// costs a step and not the training.</summary>
public abstract partial record GradientClipping
{
    private GradientClipping()
    {
    }

    /// <summary>Gradients are not changed. The default.</summary>
    public static GradientClipping None { get; } = new NoClipping();

    /// <summary>Scales all gradients by one factor where their common L2 norm is above the largest (Pascanu et al.
    /// 2012, https://arxiv.org/abs/1211.5063; PyTorch: <c>clip_grad_norm_</c>).</summary>
    /// <param name="largest">The largest L2 norm of all gradients together. Above 0; 1 is usual.</param>
    public static GradientClipping Norm(float largest) => new NormClipping(largest);

    /// <summary>Cuts every number of a gradient off at the largest, and at its negative (PyTorch: <c>clip_grad_value_</c>).</summary>
    /// <param name="largest">The largest absolute value. Above 0.</param>
    public static GradientClipping Value(float largest) => new ValueClipping(largest);

    /// <summary>
    /// Scales the gradient of each output of a layer (row of a matrix, filter of a convolution; vectors whole) where its L2 norm is above a
    /// share of its weights' (Brock et al. 2021, https://arxiv.org/abs/2102.06171, as timm does it). Weights count as 0.001 at least, so
    /// that zeros can begin to move; the head is left out.
    /// </summary>
    /// <param name="factor">The largest ratio of gradient norm to weight norm. Above 0. Default 0.01.</param>
    public static GradientClipping Adaptive(float factor = 0.01f) => new AdaptiveClipping(factor);

    /// <summary>Clips gradients in place.</summary>
    /// <param name="body">Trainable parameters below the head.</param>
    /// <param name="head">Parameters of the head.</param>
    internal abstract void Clip(IReadOnlyList<Parameter> body, IReadOnlyList<Parameter> head);

    private protected static float CheckAboveZero(float value, string name) => value > 0 && float.IsFinite(value)
        ? value
        : throw new ArgumentOutOfRangeException(name, value, $"GradientClipping: {name} must be above 0.");

    private sealed record NoClipping : GradientClipping
    {
        public override string ToString() => nameof(None);

        internal override void Clip(IReadOnlyList<Parameter> body, IReadOnlyList<Parameter> head)
        {
        }
    }

    private sealed record ValueClipping : GradientClipping
    {
        public ValueClipping(float largest) => Largest = CheckAboveZero(largest, nameof(largest));

        public float Largest { get; }

        public override string ToString() => FormattableString.Invariant($"Value({Largest})");

        internal override void Clip(IReadOnlyList<Parameter> body, IReadOnlyList<Parameter> head)
        {
            using var noGradients = no_grad();
            using var scope = NewDisposeScope();
            var largest = ExactDouble.Of(Largest);
            foreach (var parameter in body.Concat(head))
                parameter.grad?.Clamp_(-largest, largest);
        }
    }
}
