using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Training;

namespace MlNetFineTune.Benchmarks;

/// <summary>A model with pretrained weights and a new head, without a training: speed does not ask how good it is.</summary>
internal static class ReadyModel
{
    /// <param name="ml">Of the model.</param>
    /// <param name="backbone">With its weights.</param>
    /// <param name="view">Has a key column <c>Label</c>.</param>
    /// <param name="imageColumn">Where the pictures are.</param>
    public static ImageFineTuningTransformer Of(MLContext ml, Backbone backbone, IDataView view, string imageColumn)
    {
        var keys = LabelKeys.Of(view.Schema["Label"]);
        var classifier = ImageClassifier.Create(backbone, Networks.Classes, seed: 1);
        classifier.PrepareForScoring();
        var options = new ImageFineTuningOptions { Backbone = backbone, ImageColumnName = imageColumn };
        var report = new TrainingReport
        {
            Epochs = [],
            BestEpoch = 0,
            End = TrainingEnd.Completed,
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
        return new ImageFineTuningTransformer(
            ml, classifier, keys, ManifestOf.Training(options, classifier, keys, report, seed: 1), report);
    }
}
