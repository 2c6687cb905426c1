using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>One run of <see cref="Headline"/>: a new process that trains on photos and scores others.</summary>
internal static class HeadlineProcess
{
    public const string Name = "headline-process";

    /// <param name="arguments">The seed, and when the process was started.</param>
    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is not [var seed, var started])
            throw new CannotRunException($"Usage: {Name} SEED TIMESTAMP");
        var photos = SharedFiles.Require("data/ants-bees");
        var ml = new MLContext(int.Parse(seed, CultureInfo.InvariantCulture));
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = SharedFiles.MobileNetV2(),
                Strategy = Strategy.HeadOnly,
                Augmentation = Augmentation.None,
                Epochs = 5,
                Seed = int.Parse(seed, CultureInfo.InvariantCulture),
            }));
        using var model = pipeline.Fit(ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
        var accuracy = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val"))))
            .MicroAccuracy;
        var seconds = Stopwatch.GetElapsedTime(long.Parse(started, CultureInfo.InvariantCulture)).TotalSeconds;
        Console.WriteLine(JsonSerializer.Serialize(new Result(seconds, accuracy)));
        return 0;
    }

    /// <param name="Seconds">From the start of the process to the accuracy.</param>
    /// <param name="Accuracy">On <c>val</c>, 0 to 1.</param>
    public sealed record Result(double Seconds, double Accuracy);
}
