using System.Runtime.InteropServices;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Training;

/// <summary>One pass over the validation rows, with the network as in scoring: in inference mode, with folded BatchNorm.</summary>
/// <param name="run">The run with the network and the validation rows.</param>
/// <param name="frozenStages">Number of frozen stages.</param>
/// <param name="stagesBefore">Number of stages that were already applied to <paramref name="inputs"/>.</param>
/// <param name="inputs">The inputs.</param>
/// <param name="batches">Rows of each batch.</param>
/// <param name="meter">Receives the progress.</param>
internal sealed class Evaluator(
    TrainingRun run, int frozenStages, int stagesBefore, StepInputs inputs, int[][] batches, ProgressMeter meter)
{
    /// <summary>Whether rows are read and the frozen stages run; false for cached features.</summary>
    public bool ReadsRows => inputs.ReadsRows;

    /// <summary>The outputs of the last evaluation; null if they are not needed or too large to be stored.</summary>
    public RowOutputs? Outputs { get; private set; }

    /// <param name="epoch">The epoch, for the progress.</param>
    /// <param name="stop">Ends the pass early; null for a complete pass.</param>
    /// <returns>Null if <paramref name="stop"/> ended the pass.</returns>
    public Evaluation? Evaluate(int epoch, StopRequest? stop = null)
    {
        run.Network.PrepareForScoring();
        meter.Begin(TrainingActivity.Validating, epoch, run.Data.Validation.Rows.Length);
        if (run.Processes.IsSeveral)
            run.Processes.Position = FormattableString.Invariant($"epoch {epoch}, validation");
        try
        {
            return Pass(stop);
        }
        finally
        {
            run.Network.Freeze(frozenStages); // trained stages must not use folded copies of their weights
        }
    }

    private Evaluation? Pass(StopRequest? stop)
    {
        var (subset, objective) = (run.Data.Validation, run.Objective);
        var count = 0;
        var (loss, metrics) = (objective.CreateLossSums(), objective.CreateMetrics());
        var keeps = run.KeepsOutputs && (long)subset.Rows.Length * objective.Outputs <= RowOutputs.MostKept;
        var kept = keeps ? new RowOutputs.Collector() : null;
        foreach (var input in inputs.Read(batches, epoch: 0))
        {
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            using (input)
            {
                if (run.MustStop(stop))
                    return null;
                var targets = objective.TargetsOf(subset, input.BatchRows, mix: null, run.Network.Device);
                var outputs = OutputsOf(input);
                loss.Add(outputs, targets);
                metrics.Add(outputs, targets);
                count += input.BatchRows.Length;
                kept?.Add(input.BatchRows, objective.ToRows(outputs));
            }
            meter.Advance(input.BatchRows.Length);
        }

        var noun = subset.Source.Inputs.Noun;
        if (count == 0)
            throw AgreedFailure.Of(new InvalidOperationException($"None of the {subset.Rows.Length} validation {noun}s could be read."));
        if (loss.Count == 0)
        {
            throw AgreedFailure.Of(
                new InvalidOperationException($"The validation {noun}s that could be read have weight 0, all of them."));
        }
        Outputs = kept?.ToOutputs();
        return OfFirst(new Evaluation(loss.Mean, metrics.Result()));
    }

    // All processes measure the same outputs, but on a GPU sums by index have no fixed order: the last bits may differ, and with them the
    // best epoch. The names are the same in all.
    private Evaluation OfFirst(Evaluation own)
    {
        if (!run.Processes.IsSeveral)
            return own;
        double[] values = [own.Loss, .. own.Metrics.Values];
        values = MemoryMarshal.Cast<byte, double>(run.Processes.Broadcast(MemoryMarshal.AsBytes(values.AsSpan()))).ToArray();
        return new(values[0], own.Metrics.Keys.Zip(values[1..]).ToDictionary(metric => metric.First, metric => metric.Second));
    }

    // [N, outputs] of the whole batch: each process computes its slice, and all measure the same numbers.
    private Tensor OutputsOf(StepInput input) => GatheredRows.Of(
        run.Processes, input.Inputs is null ? null : run.Network.ForwardRest(input.Inputs, stagesBefore), run.Network.Device);
}
