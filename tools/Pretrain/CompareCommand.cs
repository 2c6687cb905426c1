using System.CommandLine;
using System.Globalization;
using Microsoft.ML;
using MlNetFineTune;

namespace Pretrain;

/// <summary>
/// <c>compare</c>: compares pretrained with random weights. Both train on the same photos for the same number of epochs; each seed is
/// another split, order and initialization; each has the learning rate that is best for it on other drawn photos. The test photos select
/// nothing: the best epoch is selected on a fifth of the training photos.
/// </summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var weights = new Option<FileInfo>(
            "--weights")
        {
            Description = "Pretrained weights of the micro backbone.",
            DefaultValueFactory = _ => new FileInfo("samples/QuickStart/Assets/micro.safetensors")
        };
        var photos = new Option<DirectoryInfo?>(
            "--photos")
        {
            Description = "Folder of photos, one folder a class; each seed trains on one half and judges on the other. "
            + "Without it surfaces are drawn."
        };
        var seeds = new Option<int>("--seeds") { Description = "Runs of each kind.", DefaultValueFactory = _ => 5 };
        var epochs = new Option<int>("--epochs") { Description = "Passes over the training photos.", DefaultValueFactory = _ => 15 };

        var command = new Command("compare",
            "Measures pretrained against random weights: test accuracy and F1, mean and standard deviation over the seeds.")
            {
                weights, photos, seeds, epochs
            };
        command.SetAction(parsed =>
        {
            var pretrained = Backbone.Micro.WithWeights(parsed.GetRequiredValue(weights).FullName);
            var (fromWeights, fromScratch) = (new Comparison("pretrained"), new Comparison("random"));
            for (var seed = 1; seed <= parsed.GetValue(seeds); seed++)
            {
                using var folder = new TemporaryFolder();
                var (train, test) = parsed.GetValue(photos) is { } own ? SplitPhotos.Halves(own.FullName, seed)
                    : SplitPhotos.Surfaces(folder.Path, seed);
                Run(
                    "pretrained", fromWeights, train, test, pretrained, Strategy.Full(), learningRate: 5e-3f, seed,
                    parsed.GetValue(epochs));
                // With random weights every stage trains at the full rate, for which 0.001 is best (of 0.0005 to 0.005).
                Run(
                    "random", fromScratch, train, test, Backbone.Micro.FromScratch(), Strategy.Full(layerDecay: 1),
                    learningRate: 1e-3f, seed, parsed.GetValue(epochs));
            }
            Comparison.WriteHeader("weights");
            Console.WriteLine(fromWeights);
            Console.WriteLine(fromScratch);
        });
        return command;
    }

    private static void Run(string name, Comparison results, IReadOnlyList<Photo> train, IReadOnlyList<Photo> test, Backbone backbone,
        Strategy strategy, float learningRate, int seed, int epochs)
    {
        var ml = new MLContext(seed);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = backbone,
                Strategy = strategy,
                Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(minimumArea: 0.5f), Augmentation.HorizontalFlip()),
                Epochs = epochs,
                LearningRate = learningRate,
            }));
        using var model = pipeline.Fit(ml.Data.LoadFromEnumerable(train));
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadFromEnumerable(test)));
        var report = model.LastTransformer.Report!;

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"seed {seed} {name,-10} {train.Count} photos train, {test.Count} test; "
                + $"best epoch {report.BestEpoch}, {report.Duration.TotalSeconds:0.0} s; {results.Add(metrics)}"));
    }
}
