using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Training;

namespace MlNetFineTune.Benchmarks;

/// <summary>A model with pretrained weights and an untrained head, sufficient for measuring speed.</summary>
internal static class ReadyModel
{
    /// <param name="ml">The context.</param>
    /// <param name="backbone">The network with its weights.</param>
    /// <param name="view">Data with a key column <c>Label</c>.</param>
    /// <param name="imageColumn">Name of the image column.</param>
    /// <param name="usesBFloat16">Whether it computes in bfloat16.</param>
    public static FineTuningTransformer Of(
        MLContext ml, Backbone backbone, IDataView view, string imageColumn, bool usesBFloat16 = false)
    {
        var classifier = ImageNetwork.Create(backbone, Networks.Classes, seed: 1);
        classifier.UsesBFloat16 = usesBFloat16;
        classifier.PrepareForScoring();
        var options = new ImageFineTuningOptions { Backbone = backbone, ImageColumnName = imageColumn };
        var report = new TrainingReport
        {
            Epochs = [],
            BestEpoch = 0,
            End = TrainingReport.EndReason.Completed,
            TrainingRows = 0,
            ValidationRows = 0,
            BadRows = [],
            ValidationBadRows = [],
            RowsWithoutLabel = 0,
            TrainedParameters = 0,
            FrozenParameters = 0,
            TrainedStages = [],
            Duration = default,
        };
        var task = LearningTask.Multiclass().Bind(view.Schema, options.Columns);
        var run = new TrainingRun(
            classifier, options.CreateInput(), task.Scoring, Plan: null!, Data: null!, options, Seed: 1, Host: null!, Channel: null!);
        return new FineTuningTransformer(ml, new FineTunedModel(classifier, run.Input, task, ModelManifest.Of(run, task, report)), report);
    }
}
