using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Heads;

/// <summary>What the network's output means: its loss, how it is judged, and what becomes a score. Results are the caller's to dispose.</summary>
internal abstract class Objective
{
    /// <summary>Numbers that the network gives for a row.</summary>
    public abstract int Outputs { get; }

    /// <summary>Numbers of a row's score.</summary>
    public virtual int ScoreLength => Outputs;

    /// <summary>Labels as <see cref="Loss"/> wants them: [N].</summary>
    public abstract Tensor TargetsOf(float[] labels, Device device);

    /// <summary>Mean, or sum, over the rows.</summary>
    /// <param name="outputs">[N, <see cref="Outputs"/>].</param>
    /// <param name="targets">[N].</param>
    /// <param name="reduction">Mean to train, sum to judge.</param>
    public abstract Tensor Loss(Tensor outputs, Tensor targets, nn.Reduction reduction = nn.Reduction.Mean);

    /// <summary>What <see cref="Evaluate"/> adds up: right rows, or squared errors.</summary>
    public abstract double Count(Tensor outputs, Tensor targets);

    /// <param name="loss">Mean over the rows.</param>
    /// <param name="counted">Mean of <see cref="Count"/>.</param>
    public abstract Evaluation Evaluate(double loss, double counted);

    /// <summary>[N, <see cref="Outputs"/>] -> [N, <see cref="ScoreLength"/>].</summary>
    public abstract Tensor ScoresOf(Tensor outputs);
}
