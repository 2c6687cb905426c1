using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>The state of an optimizer in a training, which owns its tensors.</summary>
internal abstract class OptimizerState : IDisposable
{
    private readonly IReadOnlyList<ParameterGroup> _groups;
    private readonly double _weightDecay;
    private readonly Tensor[][] _memories;
    // one buffer, viewed in each parameter's shape: temporaries of this size cost page faults in every step
    private readonly Tensor[] _scratch;

    /// <param name="groups">The trained parameters. The network keeps ownership.</param>
    /// <param name="options">Options with the weight decay.</param>
    /// <param name="memories">Number of state tensors per parameter, of its shape, initially zero.</param>
    protected OptimizerState(IReadOnlyList<ParameterGroup> groups, Optimizer options, int memories)
    {
        _groups = groups;
        _weightDecay = ExactDouble.Of(options.WeightDecay);
        _memories =
            [.. Parameters.Select(parameter => Enumerable.Range(0, memories).Select(_ => zeros_like(parameter).DetachFromDisposeScope())
                .ToArray())];
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        // a module may have parameters of several types
        var all = Parameters.GroupBy(Kind)
            .ToDictionary(same => same.Key, same => empty(same.Max(parameter => parameter.numel()), same.Key.Type, same.First().device));
        _scratch =
            [.. Parameters.Select(parameter => all[Kind(parameter)].narrow(0, 0, parameter.numel()).view(parameter.shape)
                .DetachFromDisposeScope())];

        static (ScalarType Type, string Device) Kind(Parameter parameter) => (parameter.dtype, $"{parameter.device}");
    }

    /// <summary>Number of calls of <see cref="Step"/>.</summary>
    public int StepsTaken { get; set; }

    /// <summary>
    /// The state tensors, in an order determined by the parameter groups. Together with <see cref="StepsTaken"/> they are the complete
    /// state: copied to the tensors of another instance with the same optimizer and groups, it continues bit-identically. This object keeps
    /// ownership.
    /// </summary>
    public IReadOnlyList<Tensor> Tensors => [.. _memories.SelectMany(memory => memory)];

    public void ZeroGradients()
    {
        foreach (var parameter in Parameters)
            parameter.grad = null;
    }

    /// <summary>Updates every parameter once. Parameters without a gradient are not changed.</summary>
    /// <param name="learningRate">Learning rate of the head; each group scales it.</param>
    public void Step(double learningRate)
    {
        using var noGradients = no_grad();
        StepsTaken++;
        var index = 0;
        foreach (var group in _groups)
        {
            foreach (var parameter in group.Parameters)
            {
                using var scope = NewDisposeScope();
                var (memory, scratch) = (_memories[index], _scratch[index]);
                index++;
                if (parameter.grad is { } gradient)
                    Update(parameter, gradient, memory, scratch, learningRate * group.LearningRateScale, group.Decays ? _weightDecay : 0);
            }
        }
    }

    public virtual void Dispose()
    {
        foreach (var tensor in (IEnumerable<Tensor>)[.. Tensors, .. _scratch])
            tensor.Dispose();
    }

    /// <summary>Updates one parameter, in a dispose scope.</summary>
    /// <param name="parameter">The parameter, updated in place.</param>
    /// <param name="gradient">The gradient, not changed.</param>
    /// <param name="memory">State of this parameter, updated in place.</param>
    /// <param name="scratch">Buffer for intermediate results, of the parameter's shape.</param>
    /// <param name="rate">Learning rate of this parameter.</param>
    /// <param name="weightDecay">Factor of weight decay; 0 for none.</param>
    protected abstract void Update(Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate, double weightDecay);

    /// <summary>Weight decay as L2 regularisation, added to the gradient. In <paramref name="scratch"/> if it is not 0.</summary>
    protected static Tensor Decayed(Tensor gradient, Parameter parameter, Tensor scratch, double weightDecay) =>
        weightDecay > 0 ? scratch.copy_(gradient).Add_(parameter, weightDecay) : gradient;

    /// <summary>Decoupled weight decay: w = w - lr wd w.</summary>
    protected static void Shrink(Parameter parameter, double rate, double weightDecay)
    {
        if (weightDecay > 0)
            parameter.Mul_(1 - rate * weightDecay);
    }

    private IEnumerable<Parameter> Parameters => _groups.SelectMany(group => group.Parameters);
}
