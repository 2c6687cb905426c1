using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>One pass over the validation rows, with the network as it would score: in inference mode, BatchNorm folded.</summary>
/// <param name="run">Its network is evaluated, and its validation rows are read.</param>
/// <param name="frozenStages">What stays as it is.</param>
/// <param name="stagesBefore">The stages that <paramref name="inputs"/> have behind them.</param>
/// <param name="inputs">What enters.</param>
/// <param name="batches">The rows' order.</param>
/// <param name="meter">Told how far it is.</param>
internal sealed class Evaluator(
    TrainingRun run, int frozenStages, int stagesBefore, StepInputs inputs, int[][] batches, ProgressMeter meter)
{
    /// <summary>The outputs of the last evaluation; null if nobody wants them, or they are too many to be kept.</summary>
    public RowOutputs? Outputs { get; private set; }

    /// <param name="epoch">For the progress.</param>
    /// <param name="stop">Ends the pass early; null lets it come to its end.</param>
    /// <returns>Null if <paramref name="stop"/> asked for an end.</returns>
    public Evaluation? Evaluate(int epoch, StopRequest? stop = null)
    {
        run.Network.PrepareForScoring();
        meter.Begin(TrainingActivity.Validating, epoch, run.Data.Validation.Rows.Length);
        try
        {
            return Pass(stop);
        }
        finally
        {
            run.Network.Freeze(frozenStages); // what trains must see its weights change
        }
    }

    private Evaluation? Pass(StopRequest? stop)
    {
        var (subset, objective) = (run.Data.Validation, run.Objective);
        var (loss, weight, count) = (0.0, 0.0, 0);
        var metrics = objective.CreateMetrics();
        var keeps = run.KeepsOutputs && (long)subset.Rows.Length * objective.Outputs <= RowOutputs.MostKept;
        var kept = keeps ? new RowOutputs.Collector() : null;
        foreach (var input in inputs.Read(batches, epoch: 0))
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using (input)
            {
                run.CheckAlive();
                if (stop is { IsDue: true })
                    return null;
                var targets = objective.TargetsOf(subset, input.Rows, mix: null, run.Network.Device);
                var outputs = run.Network.ForwardRest(input.Inputs, stagesBefore);
                var (sum, counts) = objective.EvaluateLoss(outputs, targets);
                (loss, weight) = (loss + sum, weight + counts);
                metrics.Add(outputs, targets.Labels);
                count += input.Rows.Length;
                kept?.Add(input.Rows, outputs);
            }
            meter.Advance(input.Rows.Length);
        }

        var noun = subset.Source.Inputs.Noun;
        if (count == 0)
            throw new InvalidOperationException($"None of the {subset.Rows.Length} validation {noun}s could be read.");
        if (weight == 0)
            throw new InvalidOperationException($"The validation {noun}s that could be read have weight 0, all of them.");
        Outputs = kept?.ToOutputs();
        return new Evaluation(loss / weight, metrics.Result());
    }
}
