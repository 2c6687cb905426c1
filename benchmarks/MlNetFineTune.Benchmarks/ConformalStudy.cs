using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using static MlNetFineTune.ConformalPrediction;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// What conformal prediction guarantees and costs, and what the novelty score recognises, on a new head of a frozen MobileNetV1 0.25 (real
/// weights). Coverage: the held-out photos of flowers, deck-cracks and CIFAR-10 are scored once; 200 random splits of them into calibration
/// and test rows. Novelty: the model of ants-bees scores its own held-out photos and those of the other sets; the area under the ROC curve
/// tells how well a number separates them.
/// </summary>
internal static class ConformalStudy
{
    public const string Name = "conformal-study";

    public const string Usage = $"{Name} [--data flowers,deck-cracks,cifar10] [--quick]";

    private const int Splits = 200, Strangers = 300, CifarTrain = 1000, CifarTest = 1000, DeckTrain = 150;

    private static readonly (string Name, NonconformityScore Score)[] s_scores =
    [
        ("`LeastAmbiguous`", NonconformityScore.LeastAmbiguous), ("`Adaptive`", NonconformityScore.Adaptive),
        ("`RegularizedAdaptive()`", NonconformityScore.RegularizedAdaptive()),
    ];

    public static int Run(IReadOnlyList<string> arguments)
    {
        string[] sets = ["flowers", "deck-cracks", "cifar10"];
        var splits = Splits;
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--quick")
                (sets, splits) = (["flowers"], 20);
            else if (arguments[i] == "--data" && i + 1 < arguments.Count)
                (sets, i) = (arguments[i + 1].Split(',', StringSplitOptions.RemoveEmptyEntries), i + 1);
            else
                return Misused(arguments[i]);
        }
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        foreach (var set in sets)
            Coverage(set, splits);
        Novelty();
        return 0;
    }

    private static int Misused(string argument)
    {
        Console.Error.WriteLine($"'{argument}' is not understood. Usage: {Usage}");
        return 2;
    }

    private static void Coverage(string set, int splits)
    {
        var (train, held) = PhotosOf(set);
        using var chain = Fit(train, conformal: null);
        var scored = chain.Transform(View(held));
        float[][] probabilities = [.. scored.GetColumn<float[]>("Score")];
        int[] labels = [.. scored.GetColumn<uint>("Label").Select(key => (int)key - 1)];
        var (classes, half) = (probabilities[0].Length, labels.Length / 2);
        var accuracy = probabilities.Zip(labels).Average(row => Array.IndexOf(row.First, row.First.Max()) == row.Second ? 1.0 : 0);
        Print($"\n{set}: {classes} classes, {train.Count} photos train, {labels.Length} are held out, accuracy {accuracy:0.000}; "
            + $"{splits} splits into {half} calibration and {labels.Length - half} test rows\n");
        Console.WriteLine("| coverage | score | per class | mean coverage | expected | splits in the 90 % band "
            + "| worst class: mean coverage | mean set size | empty | one class |\n|---|---|---|---|---|---|---|---|---|---|");
        foreach (var coverage in (float[])[0.9f, 0.95f])
        {
            foreach (var isByClass in (bool[])[false, true])
            {
                foreach (var (name, score) in s_scores)
                    Splitting(coverage, isByClass, name, score);
            }
        }

        void Splitting(float coverage, bool isByClass, string name, NonconformityScore score)
        {
            var options = new ConformalPrediction { Coverage = coverage, ClassConditional = isByClass, Score = score };
            var random = new Random(1);
            var (means, sizes, empty, single) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
            var ofClasses = Enumerable.Range(0, classes).Select(_ => new List<double>()).ToArray();
            var inBand = 0;
            var (low, high) = Band(half, labels.Length - half, coverage);
            for (var split = 0; split < splits; split++)
            {
                int[] order = [.. Enumerable.Range(0, labels.Length)];
                random.Shuffle(order);
                var (known, test) = (order[..half], order[half..]);
                var fitted = ConformalSets.Fit(
                    options, [.. known.Select(row => probabilities[row])], [.. known.Select(row => labels[row])], classes);
                var found = test.Select(row => (Label: labels[row], Set: fitted.Of(probabilities[row]))).ToArray();
                var covered = found.Count(row => row.Set.Contains(row.Label));
                means.Add((double)covered / test.Length);
                inBand += covered >= low && covered <= high ? 1 : 0;
                sizes.Add(found.Average(row => row.Set.Length));
                empty.Add(found.Average(row => row.Set.Length == 0 ? 1.0 : 0));
                single.Add(found.Average(row => row.Set.Length == 1 ? 1.0 : 0));
                foreach (var ofClass in found.GroupBy(row => row.Label))
                    ofClasses[ofClass.Key].Add(ofClass.Average(row => row.Set.Contains(row.Label) ? 1.0 : 0));
            }
            var expected = (double)ConformalQuantile.RankOf(half, coverage) / (half + 1);
            Print($"| {coverage} | {name} | {(isByClass ? "yes" : "no")} | {means.Average():0.000} | "
                + $"{(isByClass ? $"≥ {coverage}" : $"{expected:0.000}")} | {(isByClass ? "" : $"{(double)inBand / splits:0.00}")} | "
                + $"{ofClasses.Min(ofClass => ofClass.Average()):0.000} | {sizes.Average():0.00} | {empty.Average():0.000} | "
                + $"{single.Average():0.000} |");
        }
    }

    // The number of covered test rows is beta-binomial: P(k) = C(k + r - 1, k) C(m - k + n - r, m - k) / C(m + n, m) for distinct scores.
    private static (int Low, int High) Band(int calibration, int test, float coverage)
    {
        var rank = ConformalQuantile.RankOf(calibration, coverage);
        var (sum, low, high) = (0.0, -1, test);
        for (var k = 0; k <= test; k++)
        {
            sum += Math.Exp(Choose(k + rank - 1, k) + Choose(test - k + calibration - rank, test - k) - Choose(test + calibration, test));
            if (low < 0 && sum > 0.05)
                low = k;
            if (sum >= 0.95)
                return (low, k);
        }
        return (low, high);

        static double Choose(int n, int k) => LogFactorial(n) - LogFactorial(k) - LogFactorial(n - k);

        static double LogFactorial(int n) => Enumerable.Range(1, n).Sum(i => Math.Log(i));
    }

    private static void Novelty()
    {
        var (train, held) = PhotosOf("ants-bees");
        (string Name, IReadOnlyList<Photo> Photos)[] strangers =
        [
            ("flowers", Few(PhotosOf("flowers").Train, Strangers)), ("deck-cracks", Few(PhotosOf("deck-cracks").Train, Strangers)),
            ("CIFAR-10", Few(Below("cifar10/test"), Strangers)),
        ];
        Print($"\nants-bees: {train.Count} photos train and validate, {held.Count} are held out; {Strangers} strangers of each set\n");
        Console.WriteLine("| number | flowers | deck-cracks | CIFAR-10 |\n|---|---|---|---|");
        foreach (var neighbors in (int[])[1, 5, 10, 50])
        {
            using var chain = Fit(train, new ConformalPrediction { Coverage = 0.9f, Novelty = NoveltyScore.NearestNeighbors(neighbors) });
            var own = Scored(chain, held);
            var others = strangers.Select(set => Scored(chain, set.Photos)).ToArray();
            if (neighbors == 1)
            {
                Areas("largest probability", row => -row.Probability);
                Areas("energy, -log Σ exp(logits)", row => row.Energy);
            }
            Areas($"novelty, k = {neighbors}", row => row.Novelty);
            if (neighbors != 5)
                continue;
            var quantile = own.Select(row => row.Novelty).Order().ElementAt(own.Length * 95 / 100);
            Print($"| share above the 95 % quantile of the held-out ants and bees, k = 5 | "
                + $"{string.Join(" | ", others.Select(set => $"{Share(set, row => row.Novelty > quantile):0.00}"))} |");
            Print($"| rejected, k = 5 (ants and bees: {Share(own, row => row.IsRejected):0.00}) | "
                + $"{string.Join(" | ", others.Select(set => $"{Share(set, row => row.IsRejected):0.00}"))} |");
            Print($"| accuracy on ants and bees: all {Share(own, row => row.IsRight):0.000}, accepted "
                + $"{Share([.. own.Where(row => !row.IsRejected)], row => row.IsRight):0.000}, rejected "
                + $"{Share([.. own.Where(row => row.IsRejected)], row => row.IsRight):0.000} | | | |");

            void Areas(string name, Func<Row, float> number)
            {
                var areas = others.Select(set => $"{Area([.. own.Select(number)], [.. set.Select(number)]):0.000}");
                Print($"| {name} | {string.Join(" | ", areas)} |");
            }
        }
    }

    private static double Share(Row[] rows, Func<Row, bool> isTrue) => rows.Average(row => isTrue(row) ? 1.0 : 0);

    private static Row[] Scored(TransformerChain<FineTuningTransformer> chain, IReadOnlyList<Photo> photos)
    {
        var ml = new MLContext();
        var scored = ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Append(ml.Transforms.Conversion.MapKeyToValue("Label"))
            .Fit(chain.Transform(View(photos))).Transform(chain.Transform(View(photos)));
        // The energy is not in the columns: probabilities are the same for logits with any constant added.
        var logits = LogitsOf(chain.LastTransformer, View(photos));
        return [.. ml.Data.CreateEnumerable<ScoredPhoto>(scored, reuseRowObject: false).Select((photo, row) => new Row(
            photo.Score.Max(), -(float)logits[row].Sum(z => Math.Exp(z)), photo.Novelty, photo.Rejected,
            photo.PredictedLabel == photo.Label))];
    }

    private static float[][] LogitsOf(FineTuningTransformer model, IDataView data)
    {
        var logits = new List<float[]>();
        using var cursor = data.GetRowCursor(model.Inputs.ColumnsOf(model.Host, data.Schema));
        using var reader = model.Inputs.Read(model.Host, cursor, places: 1);
        var sample = new byte[reader.Length];
        while (cursor.MoveNext())
        {
            reader.Take(0);
            if (reader.Encode(0, Augmentation.None, sample) is { } reason)
                throw new InvalidDataException(reason);
            model.Scorer.Read(network =>
            {
                using var scope = TorchSharp.torch.NewDisposeScope();
                using var inference = TorchSharp.torch.inference_mode();
                using var collator = model.Inputs.CreateCollator(network.Device);
                logits.Add([.. network.ForwardRest(collator.Collate(sample, 1), first: 0).data<float>()]);
            });
        }
        return [.. logits];
    }

    // Of one of each: the probability that the stranger has the larger number (Mann and Whitney), ties count one half.
    private static double Area(float[] own, float[] strangers) => strangers.Average(
        other => own.Average(one => other > one ? 1 : other == one ? 0.5 : 0));

    private static TransformerChain<FineTuningTransformer> Fit(IReadOnlyList<Photo> train, ConformalPrediction? conformal)
    {
        var ml = new MLContext(1);
        return ml.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: Microsoft.ML.Transforms
                .ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = MlNetFineTune.Backbone.MobileNetV1(0.25f)
                    .WithWeights(SharedFiles.Require("weights/mobilenetv1_025.safetensors")),
                Strategy = Strategy.HeadOnly,
                Augmentation = Augmentation.None,
                LearningRate = 5e-3f,
                Epochs = 20,
                Validation = ValidationData.Fraction(conformal is null ? 0.25f : 0.5f),
                Conformal = conformal,
                BadRows = BadRows.Skip(),
            })).Fit(View(train));
    }

    private static IDataView View(IReadOnlyList<Photo> photos) => new MLContext().Data.LoadFromEnumerable(photos);

    private static (IReadOnlyList<Photo> Train, IReadOnlyList<Photo> Held) PhotosOf(string set)
    {
        switch (set)
        {
            case "deck-cracks":
                var all = Below(set);
                var train = Few(all, DeckTrain);
                return (train, [.. all.Except(train)]);
            case "cifar10":
                return (Few(Below("cifar10/train"), CifarTrain), Few(Below("cifar10/test"), CifarTest));
            case "flowers":
                // 300 train and 100 validate in the folder: the other way round there are enough to be held out.
                return (Few(Below("flowers/train"), 150), [.. Below("flowers/train").Except(Few(Below("flowers/train"), 150)),
                    .. Below("flowers/val")]);
            default:
                return (Below($"{set}/train"), Below($"{set}/val"));
        }
    }

    // As many of each class.
    private static IReadOnlyList<Photo> Few(IReadOnlyList<Photo> photos, int count)
    {
        var classes = photos.GroupBy(photo => photo.Label).ToList();
        return [.. classes.SelectMany(photos => photos.Take(count / classes.Count))];
    }

    private static IReadOnlyList<Photo> Below(string folder) =>
    [
        .. Directory.EnumerateFiles(SharedFiles.Require($"data/{folder}"), "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => new Photo { ImagePath = path, Label = Path.GetFileName(Path.GetDirectoryName(path)!) }),
    ];

    private static void Print(string line) => Console.WriteLine(line);

    private sealed record Photo
    {
        public string ImagePath { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private sealed class ScoredPhoto
    {
        public string Label { get; set; } = "";

        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];

        public float Novelty { get; set; }

        public bool Rejected { get; set; }
    }

    /// <param name="Probability">The largest probability.</param>
    /// <param name="Energy">
    /// A monotone function of the energy of Liu et al. 2020 (https://arxiv.org/abs/2010.03759): higher is stranger.
    /// </param>
    /// <param name="Novelty">The novelty score.</param>
    /// <param name="IsRejected">Whether the row is rejected.</param>
    /// <param name="IsRight">Whether the most probable class is the label.</param>
    private readonly record struct Row(float Probability, float Energy, float Novelty, bool IsRejected, bool IsRight);
}
