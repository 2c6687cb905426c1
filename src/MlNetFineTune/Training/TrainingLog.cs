using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>Messages of a training in the context's log.</summary>
internal sealed class TrainingLog(TrainingRun run)
{
    public void Begin() => run.Channel.Info(
        $"{run.Network.Description}, strategy {run.Options.Strategy}: "
        + $"{run.Data.Training.Rows.Length} training and {run.Data.Validation.Rows.Length} validation rows, "
        + $"{run.Options.Epochs} epochs of batch {run.Options.BatchSize}"
        + $"{(run.Options.AccumulationSteps > 1 ? $", {run.Options.AccumulationSteps} batches a step" : "")}, {run.Options.Optimizer}, "
        + $"{(run.Options.Resizing is { } resizing ? $"pictures of {resizing}, " : "")}"
        + $"seed {run.Seed}.");

    public void BeginPhase(TrainingPhase phase)
    {
        var parameters = run.Network.Parameters();
        var trained = parameters.Where(parameter => phase.Planned.ScaleOf(parameter.Name) > 0).ToList();
        var stages = run.Network.Stages.Append("head").Index()
            .ToLookup(stage => trained.Exists(parameter => parameter.Stage == stage.Index), stage => stage.Item);
        var epochs = run.Plan.Phases.Count == 1 ? "" : $"Epochs {phase.FirstEpoch} to {phase.LastEpoch}: ";
        run.Channel.Info(
            FormattableString.Invariant($"{epochs}{Count(trained):N0} parameters train ({string.Join(", ", stages[true])}), ")
            + FormattableString.Invariant($"{Count(parameters) - Count(trained):N0} are frozen ")
            + $"({string.Join(", ", stages[false].DefaultIfEmpty("no whole stage"))})"
            + $"{(phase.Planned.TrainsPairs ? ", on pairs of rows" : "")}.");
    }

    public void EndEpoch(TrainingReport.EpochReport epoch, bool best) => run.Channel.Info(
        $"Epoch {epoch.Epoch}/{run.Options.Epochs}: {Metrics(epoch)}{(epoch.ValidationLoss is not null && best ? " (best)" : "")}, "
        + FormattableString.Invariant($"{epoch.Seconds:0.0} s"));

    /// <param name="average">The evaluated average.</param>
    /// <param name="isBest">Whether it is better than the best epoch and the previous averages.</param>
    public void Average(TrainingReport.AveragedEpochs average, bool isBest)
    {
        var shares = average.Shares.Distinct().Count() == 1 ? ""
            : $" with shares {string.Join(", ", average.Shares.Select(share => FormattableString.Invariant($"{share:0.##}")))}";
        run.Channel.Info(
            $"The average of epochs {string.Join(", ", average.Epochs)}{shares} has the "
            + $"{Number("validation loss", average.ValidationLoss)}: {(isBest ? "it is the best so far" : "it is not better")}.");
    }

    public void End(TrainingReport.EndReason end, int bestEpoch, int batches)
    {
        if (end == TrainingReport.EndReason.EarlyStopped)
            run.Channel.Info($"Stopped early: no improvement since epoch {bestEpoch}.");
        if (end is not (TrainingReport.EndReason.Stopped or TrainingReport.EndReason.TimeBudgetSpent))
            return;
        var why = end == TrainingReport.EndReason.Stopped ? "Stopped as asked" : $"The time budget of {run.Options.TimeBudget} is spent";
        if (bestEpoch > 0)
            run.Channel.Info($"{why}; the model is that of epoch {bestEpoch}.");
        else
            run.Channel.Warning($"{why} before the first epoch{(run.Plan.Phases[0].TrainsPairs ? " of the head" : "")} was complete: "
                + $"the model {(batches > 0 ? $"has had {batches} batches and was never judged" : "has not been trained")}.");
    }

    /// <summary>The metrics as text, also for error messages.</summary>
    public static string Metrics(TrainingReport.EpochReport epoch) =>
        Number("loss", epoch.Loss)
        + (epoch.ValidationLoss is { } judged ? ", " + Number("validation loss", judged) : "")
        + string.Concat(epoch.Metrics.Select(metric => ", " + Number(InWords(metric.Key), metric.Value)));

    // MeanAveragePrecision -> mean average precision
    private static string InWords(string name) =>
        string.Concat(
            name.Select((letter, i) => char.IsUpper(letter) && i > 0 ? " "
                + char.ToLowerInvariant(letter) : $"{char.ToLowerInvariant(letter)}"));

    private static string Number(string name, double value) => FormattableString.Invariant($"{name} {value:0.0000}");

    private static long Count(IEnumerable<NetworkParameter> parameters) => parameters.Sum(parameter => parameter.Parameter.numel());
}
