using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Training;

/// <summary>Creates the report of a training.</summary>
internal static class TrainingReports
{
    public static TrainingReport Of(
        TrainingRun run,
        FinishedRun finished,
        RunState state,
        int bestEpoch,
        EpochInputs inputs,
        ProgressMeter meter,
        (int Epochs, int Batches)? resumed)
    {
        var (network, data) = (run.Network, run.Data);
        var parameters = network.Parameters();
        var trained = parameters.Where(parameter => run.Plan.Trains(parameter.Name)).ToList();
        var count = trained.Sum(parameter => parameter.Parameter.numel());
        return new TrainingReport
        {
            Epochs = state.Epochs,
            BestEpoch = bestEpoch,
            Averaged = finished.Averaged,
            End = finished.End,
            TrainingRows = inputs.Usable(data.Training).Length,
            ValidationRows = inputs.Usable(data.Validation).Length,
            BadRows = inputs.BadRowsOf(data.Training.Source),
            ValidationBadRows = data.Validation.Source == data.Training.Source ? [] : inputs.BadRowsOf(data.Validation.Source),
            RowsWithoutLabel = data.Training.Source.WithoutLabel,
            TrainedParameters = count,
            FrozenParameters = parameters.Sum(parameter => parameter.Parameter.numel()) - count,
            Layers = ModelLayer.Of(run.Plan, network, run.Options.LearningRate),
            TrainedStages = [.. network.Stages.Where((_, stage) => trained.Any(parameter => parameter.Stage == stage))],
            FeatureCache = meter.Features,
            Distillation = run.Teacher?.Report,
            Resumed = resumed,
            Duration = meter.Elapsed,
        };
    }
}
