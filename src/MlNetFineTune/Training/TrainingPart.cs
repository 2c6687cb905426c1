using MlNetFineTune.Heads;
using MlNetFineTune.Strategies;

namespace MlNetFineTune.Training;

/// <summary>A part of the plan at work: what trains in it, by which optimizer, and the way to the lowest stage that trains.</summary>
internal sealed class TrainingPart : IDisposable
{
    public TrainingPart(PlanPart planned, TrainableNetwork network, FineTuningOptions options, long seed)
    {
        Planned = planned;
        Groups = ParameterGroups.Apply(planned, network);
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

    public void Dispose()
    {
        Optimizer.ZeroGradients(); // a model that scores needs no memory for them, nor what is frozen next
        Optimizer.Dispose();
        Trunk.Dispose();
    }
}
