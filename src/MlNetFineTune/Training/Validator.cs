using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>Judges the network as it would score: in inference mode, BatchNorm folded.</summary>
/// <param name="network">Judged.</param>
/// <param name="objective">The judge.</param>
/// <param name="frozenStages">What stays as it is.</param>
/// <param name="stagesBefore">The stages that <paramref name="inputs"/> have behind them.</param>
/// <param name="subset">The rows.</param>
/// <param name="inputs">What enters.</param>
/// <param name="batches">The rows' order.</param>
/// <param name="meter">Told how far it is.</param>
/// <param name="keepsOutputs">Whether somebody wants <see cref="Outputs"/>.</param>
internal sealed class Validator(
    TrainableNetwork network, Objective objective, int frozenStages, int stagesBefore, RowSubset subset, StepInputs inputs,
    int[][] batches, ProgressMeter meter, bool keepsOutputs)
{
    /// <summary>Of the last evaluation; null if they are not kept.</summary>
    public RowOutputs? Outputs { get; private set; }

    /// <returns>Null if <paramref name="stop"/> asked for an end.</returns>
    public Evaluation? Evaluate(int epoch, Action checkAlive, CancellationToken stop)
    {
        network.PrepareForScoring();
        meter.Begin(TrainingActivity.Validating, epoch, subset.Rows.Length);
        try
        {
            return Judge(checkAlive, stop);
        }
        finally
        {
            network.Freeze(frozenStages); // what trains must see its weights change
        }
    }

    private Evaluation? Judge(Action checkAlive, CancellationToken stop)
    {
        var (loss, weight, counted, count) = (0.0, 0.0, 0.0, 0);
        var keeps = keepsOutputs && (long)subset.Rows.Length * objective.Outputs <= RowOutputs.MostKept;
        var kept = keeps ? new RowOutputs.Collector() : null;
        foreach (var (activations, rows, _) in inputs.Read(batches, epoch: 0))
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using (activations)
            {
                checkAlive();
                if (stop.IsCancellationRequested)
                    return null;
                var targets = objective.TargetsOf(subset, rows, mix: null, network.Device);
                var outputs = network.ForwardRest(activations, stagesBefore);
                var (sum, counts) = objective.Judge(outputs, targets);
                (loss, weight) = (loss + sum, weight + counts);
                counted += objective.Count(outputs, targets.Labels);
                count += rows.Length;
                kept?.Add(rows, outputs);
            }
            meter.Advance(rows.Length);
        }
        if (count == 0)
            throw new InvalidOperationException($"None of the {subset.Rows.Length} validation {subset.Source.Inputs.Noun}s could be read.");
        if (weight == 0)
            throw new InvalidOperationException($"The validation {subset.Source.Inputs.Noun}s that could be read have weight 0, all of them.");
        Outputs = kept?.ToOutputs();
        return objective.Evaluate(loss / weight, counted / count);
    }
}
