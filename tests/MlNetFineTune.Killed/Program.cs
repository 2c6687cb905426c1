// Trains on a folder of pictures with checkpoints, says after each batch how many there were, and writes the weights at the end. The tests
// kill it at some moment or other. Arguments: pictures, folder of checkpoints, file of weights. With "shard" first: see Sharded.cs.
using Microsoft.ML;
using MlNetFineTune;

if (args[0] == Sharded.Command)
{
    Sharded.Run(args[1..]);
    return;
}
var ml = new MLContext();
var photos = ml.Data.LoadImageFolder(args[0]);
var batches = 0;
var options = new ImageFineTuningOptions
{
    Backbone = Backbone.Micro.FromScratch(),
    Strategy = Strategy.Full(1),
    Augmentation = Augmentation.Light,
    Validation = ValidationData.Fraction(0.25f),
    WeightAveraging = WeightAveraging.Exponential(0.9f),
    AccumulationSteps = 2,
    Epochs = 6,
    BatchSize = 4,
    Workers = 2,
    Seed = 1,
    Checkpoint = TrainingCheckpoint.EverySteps(args[1], steps: 2),
    Progress = new Told(_ => Console.WriteLine(++batches)),
};
using var model = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.MulticlassClassification.Trainers.FineTuneImages(options))
    .Fit(photos).LastTransformer;
model.SaveWeights(args[2]);

internal sealed class Told(Action<TrainingProgress> tell) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => tell(value);
}
