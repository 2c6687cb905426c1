using System.Globalization;
using System.Text.Json;
using Microsoft.ML;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Binary classification, regression and ordinal classification on real photos: MobileNetV2, three seeds. 20 % of the training photos are
/// validation for the choice of the epoch (and the threshold); the test photos are scored once. Cracks: 300 of the 400 photos of
/// deck-cracks, drawn by the seed, are for training and 100 for test; "rare" keeps 10 % of the cracked training photos; head-only training.
/// Red cells: the label is the number of annotated boxes of red cells in the centre crop of a photo of blood-cells, which the network sees,
/// with the split of the data set; many cells in clumps have no box, so that the label is the annotated and not the true number. The last
/// three stages are trained. Grades: the same number, in terciles of the training photos.
/// </summary>
internal static class TaskStudy
{
    public const string Name = "task-study";

    public const string Usage = $"{Name} [--epochs N] [--seeds N] [--part cracks,cells,grades] [--quick]";

    private static readonly Strategy s_cells = Strategy.LastStages(3);

    public static int Run(IReadOnlyList<string> arguments)
    {
        var (epochs, seeds) = (20, 3);
        string[] parts = ["cracks", "cells", "grades"];
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                (epochs, seeds) = (3, 1);
            else if (arguments[i] is "--epochs" or "--seeds" && i + 1 < arguments.Count && int.TryParse(arguments[i + 1], out var number)
                && number > 0)
                (epochs, seeds, i) = arguments[i] == "--epochs" ? (number, seeds, i + 1) : (epochs, number, i + 1);
            else if (arguments[i] == "--part" && i + 1 < arguments.Count)
                (parts, i) = (arguments[i + 1].Split(','), i + 1);
            else
                return Misused(arguments[i]);
        }

        var folder = Directory.CreateTempSubdirectory("task-study-").FullName;
        try
        {
            Print(epochs, seeds, parts, FeatureCache.InFolder(folder));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Misused(string argument)
    {
        Console.Error.WriteLine($"'{argument}' is not understood. Usage: {Usage}");
        return 2;
    }

    private static void Print(int epochs, int seeds, string[] parts, FeatureCache cache)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"MobileNetV2, {epochs} epochs of batch 16, seeds 1 to {seeds}: mean (sd) on test photos\n"));
        if (parts.Contains("cracks"))
            Table("cracks", ["accuracy at 0.5", "AUC", "F1 at 0.5", "F1 at the tuned threshold"],
        [
            ("as they are", seed => Cracks(seed, keep: 1, Sampling.Shuffled, ClassWeights.None)),
            ("rare", seed => Cracks(seed, keep: 10, Sampling.Shuffled, ClassWeights.None)),
            ("rare, Sampling.Balanced", seed => Cracks(seed, keep: 10, Sampling.Balanced, ClassWeights.None)),
            ("rare, ClassWeights.Balanced", seed => Cracks(seed, keep: 10, Sampling.Shuffled, ClassWeights.Balanced)),
        ]);
        if (parts.Contains("cells"))
            Table("red cells", ["RMSE", "MAE", "R squared"],
        [
            ("squared error", seed => Cells(seed, LearningTask.Regression())),
            ("squared error, standardize: false", seed => Cells(seed, LearningTask.Regression(standardize: false))),
            ("Huber(3)", seed => Cells(seed, LearningTask.Regression(RegressionLoss.Huber(3)))),
            ("squared error, outputRange: (-1, 25)", seed => Cells(seed, LearningTask.Regression(outputRange: (-1, 25)))),
        ]);
        if (parts.Contains("grades"))
            Table("grades of red cells", ["weighted kappa", "MAE, classes", "accuracy"],
        [
            ("Ordinal", seed => Grades(seed, LearningTask.Ordinal())), ("Multiclass", seed => Grades(seed, LearningTask.Multiclass())),
        ]);

        void Table(string title, string[] metrics, (string Name, Func<int, double[]> Run)[] rows)
        {
            Console.WriteLine($"| {title} | {string.Join(" | ", metrics)} |\n|---|{string.Concat(metrics.Select(_ => "---|"))}");
            foreach (var (name, run) in rows)
            {
                double[][] results = [.. Enumerable.Range(1, seeds).Select(run)];
                Console.WriteLine(
                    $"| {name} | {string.Join(" | ", metrics.Select((_, metric) => Mean([.. results.Select(one => one[metric])])))} |");
            }
            Console.WriteLine();
        }

        double[] Cracks(int seed, int keep, Sampling sampling, ClassWeights weights)
        {
            var ml = new MLContext(seed);
            var folder = SharedFiles.Require("data/deck-cracks");
            var random = new Random(seed);
            Photo[] all = [.. Photos(folder, "cracked", isCracked: true), .. Photos(folder, "uncracked", isCracked: false)];
            random.Shuffle(all);
            var train = all.Take(300).Where((photo, place) => !photo.IsCracked || place % keep == 0);
            var test = ml.Data.LoadFromEnumerable(all.Skip(300));
            var task = LearningTask.Binary(weights, threshold: DecisionThreshold.F1);
            using var model = ml.BinaryClassification.Trainers.FineTuneImages(
                Options(task) with { LabelColumnName = "IsCracked", Sampling = sampling })
                .Fit(ml.Data.LoadFromEnumerable(train));
            var scored = model.Transform(test);
            var (atHalf, tuned) = (ml.BinaryClassification.Evaluate(scored, "IsCracked"),
                ml.FineTuning.EvaluateBinary(scored, "IsCracked"));
            return [atHalf.Accuracy, tuned.AreaUnderRocCurve, atHalf.F1Score, tuned.F1Score];
        }

        double[] Cells(int seed, LearningTask task)
        {
            var ml = new MLContext(seed);
            using var model = ml.Regression.Trainers.FineTuneImages(
                Options(task) with { LabelColumnName = "Count", Strategy = s_cells, LearningRate = 1e-3f })
                .Fit(ml.Data.LoadFromEnumerable(CellsOf("train")));
            var metrics = ml.Regression.Evaluate(model.Transform(ml.Data.LoadFromEnumerable(CellsOf("test"))), "Count");
            return [metrics.RootMeanSquaredError, metrics.MeanAbsoluteError, metrics.RSquared];
        }

        double[] Grades(int seed, LearningTask task)
        {
            var ml = new MLContext(seed);
            var counts = CellsOf("train").Select(photo => photo.Count).Order().ToArray();
            var (low, high) = (counts[counts.Length / 3], counts[2 * counts.Length / 3]);
            var train = ml.Data.LoadFromEnumerable(Graded("train"));
            var names = ml.Data.LoadFromEnumerable(new[] { "few", "some", "many" }.Select(name => new Photo { Grade = name }));
            var keys = ml.Transforms.Conversion.MapValueToKey(
                "Grade", keyData: ml.Transforms.SelectColumns("Grade").Fit(names).Transform(names))
                .Fit(train);
            using var model = ml.MulticlassClassification.Trainers.FineTuneImages(
                Options(task) with { LabelColumnName = "Grade", Strategy = s_cells, LearningRate = 1e-3f })
                .Fit(keys.Transform(train));
            var scored = model.Transform(keys.Transform(ml.Data.LoadFromEnumerable(Graded("test"))));
            var metrics = ml.FineTuning.EvaluateOrdinal(scored, "Grade");
            return [metrics.QuadraticWeightedKappa, metrics.MeanAbsoluteError, metrics.Accuracy];

            Photo[] Graded(string part)
            {
                var photos = CellsOf(part);
                foreach (var photo in photos)
                    photo.Grade = photo.Count < low ? "few" : photo.Count < high ? "some" : "many";
                return photos;
            }
        }

        ImageFineTuningOptions Options(LearningTask task) => new()
        {
            Backbone = Backbone.MobileNetV2.WithWeights(SharedFiles.Require("weights/mobilenetv2_100.safetensors")),
            Task = task,
            Strategy = Strategy.HeadOnly,
            Augmentation = Augmentation.None,
            FeatureCache = cache,
            LearningRate = 5e-3f,
            Epochs = epochs,
        };
    }

    private static IEnumerable<Photo> Photos(string folder, string name, bool isCracked) =>
        Directory.EnumerateFiles(Path.Combine(folder, name)).Order(StringComparer.Ordinal)
            .Select(path => new Photo { ImagePath = path, IsCracked = isCracked });

    private static Photo[] CellsOf(string part)
    {
        const int redCells = 2;
        var folder = SharedFiles.Require("data/detection/blood-cells");
        using var content = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, part + ".json")));
        var counts = content.RootElement.GetProperty("annotations").EnumerateArray()
            .Where(box => box.GetProperty("category_id").GetInt32() == redCells
                && IsInCentre([.. box.GetProperty("bbox").EnumerateArray().Select(number => number.GetDouble())]))
            .CountBy(box => box.GetProperty("image_id").GetInt64()).ToDictionary();
        return
        [
            .. content.RootElement.GetProperty("images").EnumerateArray().Select(image => new Photo
            {
                ImagePath = Path.Combine(folder, "images", image.GetProperty("file_name").GetString()!),
                Count = counts.GetValueOrDefault(image.GetProperty("id").GetInt64()),
            }),
        ];
    }

    // The central square with 7/8 of the height of a photo of 640 by 480 pixels: MobileNetV2's crop.
    private static bool IsInCentre(double[] box) => // x, y, width, height
        Math.Abs(box[0] + box[2] / 2 - 320) <= 210 && Math.Abs(box[1] + box[3] / 2 - 240) <= 210;

    private static string Mean(double[] values)
    {
        var mean = values.Average();
        var deviation = values.Length > 1 ? Math.Sqrt(values.Sum(value => Math.Pow(value - mean, 2)) / (values.Length - 1)) : double.NaN;
        return string.Create(CultureInfo.InvariantCulture, $"{mean:0.000} ({deviation:0.000})");
    }

    private sealed class Photo
    {
        public string ImagePath { get; set; } = "";

        public bool IsCracked { get; set; }

        public float Count { get; set; }

        public string Grade { get; set; } = "";
    }
}
