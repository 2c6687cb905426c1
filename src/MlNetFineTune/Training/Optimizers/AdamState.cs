using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>The common part of Adam and AdamW: mean and square of the gradient. Weight decay differs.</summary>
internal abstract class AdamState(IReadOnlyList<ParameterGroup> groups, Optimizer.AdamFamily options)
    : OptimizerState(groups, options, memories: 2)
{
    // lerp takes a tensor, which is slow to create
    private readonly Tensor _share = tensor(1 - ExactDouble.Of(options.Beta1)).DetachFromDisposeScope();
    private readonly double _beta1 = ExactDouble.Of(options.Beta1);
    private readonly double _beta2 = ExactDouble.Of(options.Beta2);
    private readonly double _epsilon = ExactDouble.Of(options.Epsilon);

    /// <summary>m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w = w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).</summary>
    /// <param name="parameter">Changed in place.</param>
    /// <param name="gradient">The gradient; may be <paramref name="scratch"/>.</param>
    /// <param name="memory">m and v.</param>
    /// <param name="scratch">Overwritten.</param>
    /// <param name="rate">lr.</param>
    protected void Descend(Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate)
    {
        var (mean, square) = (memory[0], memory[1]);
        mean.lerp_(gradient, _share);
        square.Mul_(_beta2).Addcmul_(gradient, gradient, 1 - _beta2);
        var denominator = scratch.copy_(square).sqrt_().Div_(Math.Sqrt(1 - Math.Pow(_beta2, StepsTaken))).Add_(_epsilon);
        parameter.Addcdiv_(mean, denominator, -rate / (1 - Math.Pow(_beta1, StepsTaken)));
    }

    public override void Dispose()
    {
        _share.Dispose();
        base.Dispose();
    }
}
