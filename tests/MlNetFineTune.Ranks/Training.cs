using Microsoft.ML;

namespace MlNetFineTune.Ranks;

/// <summary>
/// A training with checkpoints, whose weights process 0 writes at the end. Process 0 says after each batch how many there were.
/// </summary>
internal static class Training
{
    /// <param name="group">The processes.</param>
    /// <param name="pretrained">File of weights to start from.</param>
    /// <param name="pictures">Folder of pictures.</param>
    /// <param name="checkpoints">Folder of checkpoints.</param>
    /// <param name="weights">The file that process 0 writes.</param>
    /// <param name="pause">After so many batches process 0 waits until the file exists: an interruption does not race with the end.</param>
    public static void Run(
        ProcessGroup group, string pretrained, string pictures, string checkpoints, string weights, (int Batches, string File)? pause)
    {
        var ml = new MLContext();
        var photos = ml.Data.LoadImageFolder(pictures);
        var batches = 0;
        var options = new ImageFineTuningOptions
        {
            Backbone = Backbone.Micro.WithWeights(pretrained),
            Strategy = Strategy.Full(1),
            BatchNorm = BatchNormMode.Frozen, // torch's own statistics are exact to 1e-5 of their value only
            Augmentation = Augmentation.Light,
            Validation = ValidationData.Fraction(0.25f),
            AccumulationSteps = 2,
            Optimizer = Optimizer.Sgd(),
            LearningRate = 0.01f,
            Epochs = 10,
            BatchSize = 4,
            Workers = 1,
            Seed = 1,
            Checkpoint = TrainingCheckpoint.EverySteps(checkpoints, steps: 2),
            Progress = new Told(progress =>
            {
                if (progress.Activity != TrainingActivity.Training)
                    return;
                Console.WriteLine($"batch {++batches}");
                while (batches == pause?.Batches && !File.Exists(pause.Value.File))
                    Thread.Sleep(50);
            }),
            Processes = group,
        };
        var toKeys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(photos);
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(toKeys.Transform(photos));
        if (group.Rank == 0)
            model.SaveWeights(weights);
        if (model.Report!.Resumed is { } from)
            Console.WriteLine($"resumed after {from.Batches} batches");
    }

    private sealed class Told(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell(value);
    }
}
