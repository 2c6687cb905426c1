using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// What <c>ml.FineTuning.Examine</c> finds of planted faults in real photos: 5 % wrong labels; 20 copies, half of them in the other split;
/// 20 blurred photos; and how many findings there are without planted faults. The network is MobileNetV2 (ImageNet).
/// </summary>
internal static class ExamineStudy
{
    public const string Name = "examine-study";

    public const string Usage =
        $"{Name} [--seeds N] [--data ants-bees,flowers,deck-cracks,cifar10] [--report FILE] [--quick] | --rows N | --rotations N";

    private const double FlippedFraction = 0.05;
    private const int Copies = 20, Blurred = 20, CifarEach = 100;

    public static int Run(IReadOnlyList<string> arguments)
    {
        var (seeds, report) = (3, (string?)null);
        string[] sets = ["ants-bees", "flowers", "deck-cracks", "cifar10"];
        for (var i = 0; i < arguments.Count; i++)
        {
            var next = i + 1 < arguments.Count ? arguments[i + 1] : null;
            if (arguments[i] == "--quick")
                (seeds, sets) = (1, ["ants-bees"]);
            else if (arguments[i] == "--seeds" && int.TryParse(next, out var number) && number > 0)
                (seeds, i) = (number, i + 1);
            else if (arguments[i] == "--data" && next is not null)
                (sets, i) = (next.Split(','), i + 1);
            else if (arguments[i] == "--report" && next is not null)
                (report, i) = (next, i + 1);
            else if (arguments[i] == "--rows" && int.TryParse(next, out var rows) && rows > 0)
                return PairsTiming.Run(rows);
            else if (arguments[i] == "--rotations" && int.TryParse(next, out var most) && most > 0)
                return PrintRotations(most);
            else
            {
                Console.Error.WriteLine($"'{arguments[i]}' is not understood. Usage: {Usage}");
                return 2;
            }
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"MobileNetV2, seeds 1 to {seeds}: mean of the seeds\n"));
        Console.WriteLine("| data | rows | wrong labels: recall | precision | average precision | copies: recall | precision "
            + "| blurred, s = 2: recall | s = 3 | rows/s |\n|---|---|---|---|---|---|---|---|---|---|");
        foreach (var set in sets)
            PrintPlanted(set, seeds, report);
        Console.WriteLine("\nWithout planted faults, findings as a percentage of the rows (number):\n");
        Console.WriteLine(
            "| data | likely label errors | duplicates | across splits | blurred | blank | tiny | unreadable | EXIF | other |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach (var set in sets)
            PrintClean(set);
        return 0;
    }

    private static int PrintRotations(int most)
    {
        Console.WriteLine("| data | photos | accuracy of four rotations | rotated | found: recall | precision |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var set in (string[])["ants-bees", "flowers", "cifar10"])
            RotationStudy.Print(set, PhotosOf(set).Train, most);
        return 0;
    }

    private static void PrintPlanted(string set, int seeds, string? report)
    {
        var (results, rows) = (new List<double[]>(), 0);
        foreach (var seed in Enumerable.Range(1, seeds))
        {
            var folder = Directory.CreateTempSubdirectory("examine-");
            try
            {
                var random = new Random(seed);
                var (train, test) = PhotosOf(set);
                PlantedFaults.FlipLabels([.. train, .. test], FlippedFraction, random);
                var copies = PlantedFaults.Copies(train, Copies, folder.FullName, random);
                (train, test) = ([.. train, .. copies.Take(Copies / 2)], [.. test, .. copies.Skip(Copies / 2)]);
                double[] blurred = [.. new[] { 2f, 3f }.Select(deviation => BlurredRecall(set, deviation, folder.FullName, random))];
                var watch = Stopwatch.StartNew();
                var found = Examine(train, test, seed, seed == 1 ? report : null);
                rows = train.Count + test.Count;
                results.Add([.. LabelNumbers(found, train, test), .. CopyNumbers(found, train, test), .. blurred,
                    rows / watch.Elapsed.TotalSeconds]);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
        string[] cells = [.. results[0].Select((_, place) => results.Average(one => one[place]))
            .Select((mean, place) => mean.ToString(place == results[0].Length - 1 ? "0" : "0.00", CultureInfo.InvariantCulture))];
        Console.WriteLine($"| {set} | {rows} | {string.Join(" | ", cells)} |");
    }

    private static void PrintClean(string set)
    {
        var (train, test) = PhotosOf(set);
        var found = Examine(train, test, seed: 1, report: null);
        var rows = train.Count + test.Count;
        FindingKind[] kinds = [FindingKind.LikelyLabelError, FindingKind.Duplicate, FindingKind.DuplicateAcrossSplits, FindingKind.Blurred,
            FindingKind.Blank, FindingKind.Tiny, FindingKind.Unreadable, FindingKind.ExifOrientation];
        var cells = kinds.Select(kind => found.Findings.Count(finding => finding.Kind == kind))
            .Select(count => string.Create(CultureInfo.InvariantCulture, $"{100.0 * count / rows:0.0} % ({count})"));
        var others = found.Findings.Select(finding => finding.Kind).Except(kinds).Distinct();
        Console.WriteLine($"| {set} | {string.Join(" | ", cells)} | {string.Join(", ", others)} |");
        foreach (var pair in found.Findings.Where(finding => finding.OtherRow is not null))
            Console.Error.WriteLine($"{pair.Kind} {pair.Score:0.000} {pair.Path} {pair.OtherPath}");
    }

    private static IEnumerable<double> LabelNumbers(
        DataExamination found, IReadOnlyList<PlantedPhoto> train, IReadOnlyList<PlantedPhoto> test)
    {
        PlantedPhoto[] all = [.. train, .. test];
        float[] Column(string name) => [.. found.Train.GetColumn<float>(name), .. found.Test!.GetColumn<float>(name)];
        var (suspected, quality) = (Column("IsLikelyLabelError"), Column("LabelQuality"));
        var wrong = all.Count(photo => photo.Label != photo.TrueLabel);
        var right = all.Zip(suspected).Count(row => row.Second == 1 && row.First.Label != row.First.TrueLabel);
        yield return right / (double)wrong;
        yield return right / (double)Math.Max(1, suspected.Count(value => value == 1));
        // Average precision of the ranking by quality.
        var (sum, hits) = (0.0, 0);
        foreach (var (place, row) in Enumerable.Range(0, all.Length).OrderBy(row => quality[row]).Index())
        {
            if (all[row].Label != all[row].TrueLabel)
                sum += ++hits / (place + 1.0);
        }
        yield return sum / wrong;
    }

    private static IEnumerable<double> CopyNumbers(
        DataExamination found, IReadOnlyList<PlantedPhoto> train, IReadOnlyList<PlantedPhoto> test)
    {
        var planted = train.Concat(test).Where(photo => photo.CopyOf.Length > 0)
            .Select(photo => (photo.ImagePath, photo.CopyOf)).ToHashSet();
        var pairs = found.Findings.Where(finding => finding.OtherRow is not null).ToList();
        var right = pairs.Count(finding => planted.Contains((finding.Path!, finding.OtherPath!)));
        return [right / (double)planted.Count, right / (double)Math.Max(1, pairs.Count)];
    }

    private static double BlurredRecall(string set, float deviation, string folder, Random random)
    {
        PlantedPhoto[] photos = [.. PhotosOf(set).Train.Where(photo => File.Exists(photo.ImagePath))];
        random.Shuffle(photos);
        var blurred = photos.Take(Blurred).Select((photo, place) =>
        {
            var path = Path.Combine(folder, FormattableString.Invariant($"blurred{deviation}-{place}.jpg"));
            PlantedFaults.WriteBlurred(photo.ImagePath, path, deviation);
            return new PlantedPhoto { ImagePath = path, Label = photo.Label };
        }).ToList();
        return Examine(blurred, [], seed: 1, report: null).Findings.Count(finding => finding.Kind == FindingKind.Blurred)
            / (double)Blurred;
    }

    private static DataExamination Examine(List<PlantedPhoto> train, List<PlantedPhoto> test, int seed, string? report)
    {
        var ml = new MLContext(seed);
        return ml.FineTuning.Examine(
            ml.Data.LoadFromEnumerable(train), test.Count == 0 ? null : ml.Data.LoadFromEnumerable(test),
            new ExaminationOptions { Backbone = SharedFiles.MobileNetV2(), ReportPath = report });
    }

    private static (List<PlantedPhoto> Train, List<PlantedPhoto> Test) PhotosOf(string set)
    {
        if (set == "deck-cracks")
        {
            var all = Below(set);
            return ([.. all.Where((_, place) => place % 4 != 0)], [.. all.Where((_, place) => place % 4 == 0)]);
        }
        return set == "cifar10" ? (Few(Below("cifar10/train")), Few(Below("cifar10/test"))) : (Below($"{set}/train"), Below($"{set}/val"));
    }

    private static List<PlantedPhoto> Few(List<PlantedPhoto> photos) =>
        [.. photos.GroupBy(photo => photo.Label).SelectMany(same => same.Take(CifarEach))];

    private static List<PlantedPhoto> Below(string folder) =>
    [
        .. Directory.EnumerateFiles(SharedFiles.Require($"data/{folder}"), "*.jpg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => (Path: path, Label: Path.GetFileName(Path.GetDirectoryName(path)!)))
            .Select(photo => new PlantedPhoto { ImagePath = photo.Path, Label = photo.Label, TrueLabel = photo.Label }),
    ];
}
