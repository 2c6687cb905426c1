using System.Globalization;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>One run of <see cref="Headline"/>: a new process that trains on photos, scores others, and prints the accuracy.</summary>
internal static class HeadlineProcess
{
    public const string Name = "headline-process";

    /// <param name="arguments">The seed.</param>
    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is not [var number])
            throw new CannotRunException($"Usage: {Name} SEED");
        var seed = int.Parse(number, CultureInfo.InvariantCulture);
        var photos = SharedFiles.Require("data/ants-bees");
        var ml = new MLContext(seed);
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(FineTuneHead.HeadOnly(SharedFiles.MobileNetV2(), seed)));
        using var model = pipeline.Fit(ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val"))));
        Console.WriteLine(JsonSerializer.Serialize(metrics.MicroAccuracy));
        return 0;
    }
}
