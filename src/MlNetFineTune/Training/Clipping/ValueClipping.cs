using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

internal sealed record ValueClipping : GradientClipping
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
