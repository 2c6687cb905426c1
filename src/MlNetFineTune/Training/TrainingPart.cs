using MlNetFineTune.Heads;
using MlNetFineTune.Strategies;
using Parameter = TorchSharp.Modules.Parameter;

namespace MlNetFineTune.Training;

/// <summary>A part of the plan at work: what trains in it, by which optimizer, and the way to the lowest stage that trains.</summary>
internal sealed class TrainingPart : IDisposable
{
    private readonly GradientClipping _clipping;
    private readonly Parameter[] _body;
    private readonly Parameter[] _head;

    public TrainingPart(PlanPart planned, TrainableNetwork network, FineTuningOptions options, long seed)
    {
        Planned = planned;
        Groups = ParameterGroups.Apply(planned, network);
        var trained = network.Parameters().ToLookup(parameter => parameter.Stage == network.Stages.Count, parameter => parameter.Parameter);
        (_clipping, _body, _head) = (options.GradientClipping, [.. trained[false]], [.. trained[true]]);
        FrozenStages = planned.FrozenStages(network);
        network.Freeze(FrozenStages);
        Optimizer = options.Optimizer.CreateState(Groups);
        Trunk = new FrozenTrunk(network, network.RunsAlone(FrozenStages) ? FrozenStages : 0, seed, options.Workers);
    }

    public PlanPart Planned { get; }

    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>In these nothing trains.</summary>
    public int FrozenStages { get; }

    public OptimizerState Optimizer { get; }

    public FrozenTrunk Trunk { get; }

    /// <summary>Steps done.</summary>
    public int Step { get; set; }

    /// <summary>Steps of the whole part.</summary>
    public int Steps { get; set; }

    /// <summary>The optimizer's step, by gradients that are clipped before.</summary>
    /// <param name="learningRate">Of the head.</param>
    public void Descend(double learningRate)
    {
        _clipping.Clip(_body, _head);
        Optimizer.Step(learningRate);
    }

    public void Dispose()
    {
        Optimizer.ZeroGradients(); // a model that scores needs no memory for them, nor what is frozen next
        Optimizer.Dispose();
        Trunk.Dispose();
    }
}
