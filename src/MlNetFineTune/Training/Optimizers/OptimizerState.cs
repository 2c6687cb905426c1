using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>An optimizer at work: its memory of past gradients, which it owns.</summary>
internal abstract class OptimizerState : IDisposable
{
    private readonly IReadOnlyList<ParameterGroup> _groups;
    private readonly double _weightDecay;
    private readonly Tensor[][] _memories;
    // one piece of memory in each parameter's shape: temporaries of this size cost page faults in every step
    private readonly Tensor[] _scratch;

    /// <param name="groups">The parameters that train. The network keeps ownership of them.</param>
    /// <param name="options">Says how strong weight decay is.</param>
    /// <param name="memories">Tensors that are kept for each parameter, of its shape; all begin as zeros.</param>
    protected OptimizerState(IReadOnlyList<ParameterGroup> groups, Optimizer options, int memories)
    {
        _groups = groups;
        _weightDecay = ExactDouble.Of(options.WeightDecay);
        _memories =
            [.. Parameters.Select(parameter => Enumerable.Range(0, memories).Select(_ => zeros_like(parameter).DetachFromDisposeScope())
                .ToArray())];
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        // a module may have numbers of several types
        var all = Parameters.GroupBy(Kind)
            .ToDictionary(same => same.Key, same => empty(same.Max(parameter => parameter.numel()), same.Key.Type, same.First().device));
        _scratch =
            [.. Parameters.Select(parameter => all[Kind(parameter)].narrow(0, 0, parameter.numel()).view(parameter.shape)
                .DetachFromDisposeScope())];

        static (ScalarType Type, string Device) Kind(Parameter parameter) => (parameter.dtype, $"{parameter.device}");
    }

    /// <summary>Calls of <see cref="Step"/> so far.</summary>
    public int StepsTaken { get; set; }

    /// <summary>
    /// All that is remembered, in an order that the parameter groups alone decide. With <see cref="StepsTaken"/> it is the whole state:
    /// copied into the tensors of another state of the same optimizer and groups, that one goes on as this one would, bit for bit.
    /// They stay this state's.
    /// </summary>
    public IReadOnlyList<Tensor> Tensors => [.. _memories.SelectMany(memory => memory)];

    public void ZeroGradients()
    {
        foreach (var parameter in Parameters)
            parameter.grad = null;
    }

    /// <summary>Changes every parameter by its gradient, once. One that the loss did not reach has no
    /// gradient and stays as it is.</summary>
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

    /// <summary>Changes one parameter, in a dispose scope.</summary>
    /// <param name="parameter">Changed in place.</param>
    /// <param name="gradient">Not changed.</param>
    /// <param name="memory">State of this parameter; changed in place.</param>
    /// <param name="scratch">For what is computed on the way, of the parameter's shape; holds nothing.</param>
    /// <param name="rate">Learning rate of this parameter.</param>
    /// <param name="weightDecay">0 where nothing decays.</param>
    protected abstract void Update(Parameter parameter, Tensor gradient, Tensor[] memory, Tensor scratch, double rate, double weightDecay);

    /// <summary>Weight decay as L2 regularisation: a part of the gradient. In <paramref name="scratch"/>, if there is any.</summary>
    protected static Tensor Decayed(Tensor gradient, Parameter parameter, Tensor scratch, double weightDecay) =>
        weightDecay > 0 ? scratch.copy_(gradient).Add_(parameter, weightDecay) : gradient;

    /// <summary>Weight decay apart from the gradient: w = w - lr wd w.</summary>
    protected static void Shrink(Parameter parameter, double rate, double weightDecay)
    {
        if (weightDecay > 0)
            parameter.Mul_(1 - rate * weightDecay);
    }

    private IEnumerable<Parameter> Parameters => _groups.SelectMany(group => group.Parameters);
}
