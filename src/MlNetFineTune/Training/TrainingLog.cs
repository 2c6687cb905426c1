using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;

namespace MlNetFineTune.Training;

/// <summary>What a training says in the context's log.</summary>
internal sealed class TrainingLog(TrainableNetwork network, TrainingPlan plan, TrainingData data, FineTuningOptions options, long seed, IChannel channel)
{
    public void Begin() => channel.Info(
        $"{network.Description}, strategy {options.Strategy}: {data.Training.Rows.Length} training and {data.Validation.Rows.Length} validation rows, {options.Epochs} epochs of batch {options.BatchSize}"
        + $"{(options.AccumulationSteps > 1 ? $", {options.AccumulationSteps} batches a step" : "")}, {options.Optimizer}, seed {seed}.");

    public void BeginPart(TrainingPart part)
    {
        var parameters = network.Parameters();
        var trained = parameters.Where(parameter => part.Planned.ScaleOf(parameter) > 0).ToList();
        var stages = network.Stages.Append("head").Index().ToLookup(stage => trained.Exists(parameter => parameter.Stage == stage.Index), stage => stage.Item);
        var epochs = plan.Parts.Count == 1 ? "" : $"Epochs {part.FirstEpoch} to {part.LastEpoch}: ";
        channel.Info(
            FormattableString.Invariant($"{epochs}{Count(trained):N0} parameters train ({string.Join(", ", stages[true])}), ")
            + FormattableString.Invariant($"{Count(parameters) - Count(trained):N0} are frozen ")
            + $"({string.Join(", ", stages[false].DefaultIfEmpty("no whole stage"))}).");
    }

    public void EndEpoch(TrainingReport.EpochReport epoch, bool best) => channel.Info(
        $"Epoch {epoch.Epoch}/{options.Epochs}: {Metrics(epoch)}{(epoch.ValidationLoss is not null && best ? " (best)" : "")}, "
        + FormattableString.Invariant($"{epoch.Seconds:0.0} s"));

    public void Average(TrainingReport.AveragedEpochs? averaged, Evaluation evaluation, IEnumerable<int> epochs) => channel.Info(
        $"The average of epochs {string.Join(", ", epochs)} has the {Number("validation loss", evaluation.Loss)}: "
        + $"{(averaged is null ? "the best epoch stays" : "it is the model")}.");

    public void End(TrainingReport.EndReason end, int bestEpoch, int batches)
    {
        if (end == TrainingReport.EndReason.EarlyStopped)
            channel.Info($"Stopped early: no improvement since epoch {bestEpoch}.");
        if (end is not (TrainingReport.EndReason.Stopped or TrainingReport.EndReason.TimeBudgetSpent))
            return;
        var why = end == TrainingReport.EndReason.Stopped ? "Stopped as asked" : $"The time budget of {options.TimeBudget} is spent";
        if (bestEpoch > 0)
            channel.Info($"{why}; the model is that of epoch {bestEpoch}.");
        else
            channel.Warning($"{why} before the first epoch was complete: the model {(batches > 0 ? $"has had {batches} batches and was never judged" : "has not been trained")}.");
    }

    /// <summary>In words that an error ends with as well.</summary>
    public static string Metrics(TrainingReport.EpochReport epoch) =>
        Number("loss", epoch.Loss)
        + (epoch.ValidationLoss is { } judged ? ", " + Number("validation loss", judged) : "")
        + (epoch.ValidationAccuracy is { } accuracy ? ", " + Number("accuracy", accuracy) : "")
        + (epoch.ValidationRootMeanSquaredError is { } error ? ", " + Number("root mean squared error", error) : "");

    private static string Number(string name, double value) => FormattableString.Invariant($"{name} {value:0.0000}");

    private static long Count(IEnumerable<NetworkParameter> parameters) => parameters.Sum(parameter => parameter.Parameter.numel());
}
