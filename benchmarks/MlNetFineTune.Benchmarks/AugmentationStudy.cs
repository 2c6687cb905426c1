using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Effect of augmentation: full fine-tuning of MobileNetV2 on two data sets with several augmentations and the same epochs and seeds. All
/// photos of <c>train</c> are used for training, and the model is that of the last epoch, so that nothing is selected; <c>val</c> is scored
/// once.
/// </summary>
internal static class AugmentationStudy
{
    public const string Name = "augmentation-study";

    public const string Usage = $"{Name} [--epochs N] [--seeds N] [--quick]";

    private static readonly (string Name, Augmentation Augmentation)[] s_augmentations =
    [
        ("None", Augmentation.None),
        ("Light", Augmentation.Light),
        ("Standard", Augmentation.Standard),
        ("Strong", Augmentation.Strong),
        ("Light + MixUp", Augmentation.Sequence(Augmentation.Light, Augmentation.MixUp())),
    ];

    public static int Run(IReadOnlyList<string> arguments)
    {
        var (epochs, seeds) = (5, 3);
        string[] sets = ["ants-bees", "flowers"];
        var augmentations = s_augmentations;
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                (epochs, seeds, sets, augmentations) = (1, 1, ["ants-bees"], augmentations[1..2]);
            else if (arguments[i] == "--epochs" && Number(i + 1) is { } given)
                (epochs, i) = (given, i + 1);
            else if (arguments[i] == "--seeds" && Number(i + 1) is { } count)
                (seeds, i) = (count, i + 1);
            else
                return Misused(arguments[i]);
        }

        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"MobileNetV2, Strategy.Full(), epochs: {epochs}, seeds: {seeds}; accuracy on the photos of val\n"));
        Console.WriteLine(
            $"| photos | augmentation | {string.Join(" | ", Enumerable.Range(1, seeds).Select(seed => $"seed {seed}"))} | mean | training "
            + "s | scoring s |");
        Console.WriteLine($"|---|---|{string.Concat(Enumerable.Repeat("---|", seeds))}---|---|---|");
        foreach (var set in sets)
        {
            foreach (var (name, augmentation) in augmentations)
                Study(set, name, augmentation, epochs, seeds);
        }
        return 0;

        int? Number(int index) => index < arguments.Count && int.TryParse(arguments[index], CultureInfo.InvariantCulture, out var number)
            && number > 0 ? number : null;
    }

    private static int Misused(string argument)
    {
        Console.Error.WriteLine($"'{argument}' is not understood, or its number is missing. Usage: {Usage}");
        return 2;
    }

    private static void Study(string set, string name, Augmentation augmentation, int epochs, int seeds)
    {
        var photos = SharedFiles.Require($"data/{set}");
        var weights = SharedFiles.Require("weights/mobilenetv2_100.safetensors"); // random weights would be meaningless
        var (plain, flipped) = (new List<Outcome>(), new List<Outcome>());
        for (var seed = 1; seed <= seeds; seed++)
        {
            var ml = new MLContext(seed);
            var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(ml.Data.LoadImageFolder(Path.Combine(photos, "train")));
            var watch = Stopwatch.StartNew();
            using var model = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = Backbone.MobileNetV2.WithWeights(weights),
                Strategy = Strategy.Full(),
                Augmentation = augmentation,
                Validation = ValidationData.None,
                Epochs = epochs,
            }).Fit(keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "train"))));
            var training = watch.Elapsed.TotalSeconds;
            var test = keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val")));
            plain.Add(Score(ml, model, test, training));
            if (augmentation != Augmentation.Light)
                continue;
            using var both = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
            flipped.Add(Score(ml, both, test, training));
        }
        Print(set, name, plain);
        if (flipped.Count > 0)
            Print(set, $"{name}, scored with its mirror image", flipped);
    }

    private static Outcome Score(MLContext ml, FineTuningTransformer model, IDataView test, double training)
    {
        var watch = Stopwatch.StartNew();
        var accuracy = ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
        return new Outcome(accuracy, training, watch.Elapsed.TotalSeconds);
    }

    private static void Print(string set, string name, List<Outcome> outcomes) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {set} | {name} | "
            + $"{string.Join(" | ", outcomes.Select(outcome => outcome.Accuracy.ToString("0.000", CultureInfo.InvariantCulture)))} | "
            + $"{outcomes.Average(outcome => outcome.Accuracy):0.000} | {outcomes.Average(outcome => outcome.TrainingSeconds):0} | "
            + $"{outcomes.Average(outcome => outcome.ScoringSeconds):0.0} |"));

    private readonly record struct Outcome(double Accuracy, double TrainingSeconds, double ScoringSeconds);
}
