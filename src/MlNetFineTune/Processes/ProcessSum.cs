using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Processes;

/// <summary>
/// The sum of a small tensor over all processes as a step of autograd: since every process uses the sum, the gradient of a process's term
/// is the sum of what all processes have as gradient of the sum.
/// </summary>
/// <remarks>
/// The loss of which the gradients are must be a sum over the rows of the process, and not their mean. libtorch calls the backward pass
/// from native code, through which exceptions cannot pass: they are kept for <see cref="ThrowFailure"/>, and the gradient is then 0.
/// TorchSharp 0.107 allocates an empty tensor of the result's size for each call.
/// </remarks>
/// <param name="group">The processes.</param>
internal sealed class ProcessSum(ProcessGroup group)
{
    private ExceptionDispatchInfo? _failure;
    private Tensor? _returned; // TorchSharp passes its pointer alone, and the garbage collector would free it too early

    /// <summary>The sum; the same bits in all processes. All must call this, and go back through it, in the same order.</summary>
    /// <param name="term">Float64, of this process.</param>
    /// <returns>Of the same shape, in the current dispose scope.</returns>
    /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
    public Tensor Of(Tensor term) => Function.apply(term, this);

    /// <summary>Throws what the last backward pass could not throw.</summary>
    public void ThrowFailure()
    {
        var failure = _failure;
        (_failure, _returned) = (null, null);
        failure?.Throw();
    }

    private Tensor Sum(Tensor term)
    {
        using var scope = NewDisposeScope();
        var sum = term.detach().to(CPU, copy: true).contiguous();
        group.Sum(MemoryMarshal.Cast<byte, double>(sum.bytes));
        return sum.to(term.device).MoveToOuterDisposeScope();
    }

    private Tensor SumOfGradients(Tensor gradient)
    {
        try
        {
            if (_failure is null)
                return _returned = Sum(gradient);
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
        return _returned = zeros_like(gradient);
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        private const string Owner = "owner";

        public override string Name => nameof(ProcessSum);

        public override Tensor forward(autograd.AutogradContext context, params object[] arguments)
        {
            var owner = (ProcessSum)arguments[1];
            context.save_data(Owner, owner);
            return owner.Sum((Tensor)arguments[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient) =>
            [((ProcessSum)context.get_data(Owner)).SumOfGradients(gradient), null!];
    }
}
