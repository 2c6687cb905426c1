using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>An optimizer at work: its memory of past gradients, which it owns.</summary>
internal abstract class OptimizerState(IReadOnlyList<ParameterGroup> groups) : IDisposable
{
    protected IReadOnlyList<ParameterGroup> Groups { get; } = groups;

    public void ZeroGradients()
    {
        foreach (var parameter in Groups.SelectMany(group => group.Parameters))
            parameter.grad = null;
    }

    /// <summary>Changes every parameter by its gradient, once.</summary>
    /// <param name="learningRate">Of the head; each group scales it.</param>
    public abstract void Step(double learningRate);

    public abstract void Dispose();

    /// <summary>A parameter that the loss did not reach has no gradient and stays as it is.</summary>
    protected static TorchSharp.torch.Tensor? GradientOf(Parameter parameter) => parameter.grad;
}
