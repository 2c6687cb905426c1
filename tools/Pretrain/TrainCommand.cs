using System.CommandLine;
using Microsoft.ML;
using MlNetFineTune;
using TorchSharp;

namespace Pretrain;

/// <summary><c>train</c>: draws formula pictures, trains the micro backbone on them from random weights, writes its weights.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var images = new Option<DirectoryInfo?>(
            "--images")
        { Description = "Folder of pictures, one folder a class. Without it they are drawn into a temporary folder." };
        var imagesPerClass = new Option<int>("--images-per-class")
        {
            Description = "Pictures drawn of each class.",
            DefaultValueFactory = _ => 500
        };
        var epochs = new Option<int>("--epochs") { Description = "Passes over the pictures.", DefaultValueFactory = _ => 40 };
        var learningRate = new Option<float>(
            "--learning-rate")
        { Description = "Of AdamW, at the top of the cosine.", DefaultValueFactory = _ => 3e-3f };
        var seed = new Option<int>("--seed") { Description = "Decides the pictures and the training.", DefaultValueFactory = _ => 1 };
        var threads = new Option<int>(
            "--threads")
        {
            Description = "Threads of libtorch, and threads that read pictures.",
            DefaultValueFactory = _ => Environment.ProcessorCount
        };
        var output = new Option<FileInfo>(
            "--output")
        { Description = "The safetensors file to write.", DefaultValueFactory = _ => new FileInfo("micro.safetensors") };

        var command = new Command("train", "Draws the pictures, trains, writes the weights.")
        {
            images, imagesPerClass, epochs, learningRate, seed, threads, output
        };
        command.SetAction(parsed =>
        {
            torch.set_num_threads(parsed.GetValue(threads));
            using var folder = new TemporaryFolder();
            var pictures = parsed.GetValue(images)?.FullName ?? Draw(folder.Path, parsed.GetValue(seed), parsed.GetValue(imagesPerClass));
            Train(pictures, parsed.GetRequiredValue(output).FullName, new ImageFineTuningOptions
            {
                Backbone = Backbone.Micro.FromScratch(),
                Strategy = Strategy.Full(layerDecay: 1),
                Augmentation = Augmentation.Sequence(Augmentation.RandomResizedCrop(0.5f), Augmentation.HorizontalFlip()),
                Epochs = parsed.GetValue(epochs),
                BatchSize = 64,
                LearningRate = parsed.GetValue(learningRate),
                Task = LearningTask.Multiclass(loss: ClassificationLoss.CrossEntropy(smoothing: 0.05f)),
                Validation = ValidationData.Fraction(0.05f),
                Seed = parsed.GetValue(seed),
                Workers = parsed.GetValue(threads),
                Progress = new EpochLines(),
            });
        });
        return command;
    }

    private static string Draw(string folder, int seed, int imagesPerClass)
    {
        Console.WriteLine($"Drawing {imagesPerClass:N0} pictures of each of {FormulaImages.Classes.Count} classes into {folder}");
        FormulaImages.WriteFolder(folder, seed, imagesPerClass);
        return folder;
    }

    private static void Train(string pictures, string output, ImageFineTuningOptions options)
    {
        var ml = new MLContext(options.Seed);
        var data = ml.Data.LoadImageFolder(pictures);
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(keyed);

        model.SaveWeights(output);
        Console.WriteLine($"Best epoch {model.Report!.BestEpoch} of {options.Epochs} after {model.Report.Duration:h\\:mm\\:ss}; "
            + $"wrote {output}, {new FileInfo(output).Length:N0} bytes");
    }
}
