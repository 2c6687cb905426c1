using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Size, speed and accuracy of compressed models on two data sets: MobileNetV2 in half precision and pruned, and MobileNetV1 0.25 with and
/// without distillation from it. 20 % of <c>train</c> are validation for the choice of the epoch; <c>val</c> is scored once. Each model is
/// created in its own process; a last process times them alternately on preloaded pixels.
/// </summary>
internal static class CompressionStudy
{
    public const string Name = "compression";

    public const string Usage = $"{Name} [--epochs N] [--seeds N] [--data ants-bees,flowers] [--folder PATH] [--quick]";

    private const string One = "--one";
    private const string Speed = "--speed";

    public static int Run(IReadOnlyList<string> arguments)
    {
        switch ((string[])[.. arguments])
        {
            case [One, var photos, var name, var seed, var epochs, var folder]:
                Console.WriteLine(
                    JsonSerializer.Serialize(
                        CompressedModels.Make(photos, name, int.Parse(seed, CultureInfo.InvariantCulture),
                        int.Parse(epochs, CultureInfo.InvariantCulture), folder)));
                return 0;
            case [Speed, .. var files]:
                Console.WriteLine(JsonSerializer.Serialize(Rates(files)));
                return 0;
            default:
                return Study(arguments);
        }
    }

    private static int Study(IReadOnlyList<string> arguments)
    {
        var (epochs, seeds) = (5, 3);
        string[] sets = ["ants-bees", "flowers"];
        string? kept = null;
        for (var i = 0; i < arguments.Count; i++)
        {
            var next = i + 1 < arguments.Count ? arguments[i + 1] : "";
            var number = int.TryParse(next, CultureInfo.InvariantCulture, out var parsed) && parsed > 0 ? parsed : (int?)null;
            if (arguments[i] == "--quick")
                (epochs, seeds, sets) = (1, 1, ["ants-bees"]);
            else if (arguments[i] == "--epochs" && number is not null)
                (epochs, i) = (parsed, i + 1);
            else if (arguments[i] == "--seeds" && number is not null)
                (seeds, i) = (parsed, i + 1);
            else if (arguments[i] == "--data" && next.Length > 0)
                (sets, i) = (next.Split(',', StringSplitOptions.RemoveEmptyEntries), i + 1);
            else if (arguments[i] == "--folder" && next.Length > 0)
                (kept, i) = (next, i + 1);
            else
            {
                Console.Error.WriteLine($"'{arguments[i]}' is not understood, or what must follow it is missing. Usage: {Usage}");
                return 2;
            }
        }

        var folder = kept ?? Directory.CreateTempSubdirectory("compression-").FullName;
        try
        {
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture,
                    $"{epochs} epochs of batch 16, seeds 1 to {seeds}; accuracy on the photos of val, means; "
                    + $"images/s on ready pixels, in turns\n"));
            Console.WriteLine("| photos | model | zip, MB | parameters, 10⁶ | images/s, 1 | images/s, "
                + "16 | accuracy | sd | seconds to make |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
            foreach (var photos in sets)
                Print(
                    photos, Directory.CreateDirectory(
                        Path.Combine(folder, FormattableString.Invariant($"{photos}, {epochs} epochs"))).FullName, epochs, seeds);
            return 0;
        }
        finally
        {
            if (kept is null)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static void Print(string photos, string folder, int epochs, int seeds)
    {
        var made = CompressedModels.Names.Select(
            name => Enumerable.Range(1, seeds).Select(seed => Find(photos, name, seed, epochs, folder)).ToList()).ToList();
        var rates = StudyProcess.Run<double[][]>(
            [Name, Speed, .. CompressedModels.Names.Select(name => CompressedModels.FileOf(folder, name, seed: 1))]);
        foreach (var (name, models, speed) in CompressedModels.Names.Zip(made, rates))
        {
            var mean = models.Average(model => model.Accuracy);
            var deviation = models.Count > 1 ? Math.Sqrt(models.Sum(model => Math.Pow(model.Accuracy - mean, 2)) / (models.Count - 1))
                : double.NaN;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {photos} | {name} | {models[0].FileBytes / 1e6:0.00} | {models[0].Parameters / 1e6:0.00} | {speed[0]:0} | {speed[1]:0} "
                    + $"| {mean:0.000} | {deviation:0.000} | {models.Average(model => model.Seconds):0} |"));
        }
    }

    // An interrupted study resumes from its folder.
    private static CompressedModel Find(string photos, string name, int seed, int epochs, string folder)
    {
        var record = Path.ChangeExtension(CompressedModels.FileOf(folder, name, seed), ".json");
        if (File.Exists(record))
            return JsonSerializer.Deserialize<CompressedModel>(File.ReadAllText(record))!;
        var made = StudyProcess.Run<CompressedModel>(
            Name, One, photos, name, seed.ToString(CultureInfo.InvariantCulture), epochs.ToString(CultureInfo.InvariantCulture), folder);
        AtomicFile.Write(record, stream => JsonSerializer.Serialize(stream, made));
        Console.Error.WriteLine(
            FormattableString.Invariant($"({photos}, {name}, seed {seed}: accuracy {made.Accuracy:0.000}, {made.Seconds:0} s)"));
        return made;
    }

    /// <summary>Images per second of each model with batches of 1 and 16.</summary>
    private static double[][] Rates(string[] files)
    {
        var ml = new MLContext();
        var models = Array.ConvertAll(files, file => (FineTuningTransformer)ml.Model.Load(file, out _));
        var rates = Array.ConvertAll(models, _ => new List<double>[] { [], [] });
        for (var round = 0; round < 6; round++)
        {
            foreach (var (model, found) in models.Zip(rates))
            {
                foreach (var (batch, ofBatch) in ((int[])[1, 16]).Zip(found))
                    ofBatch.Add(Rate(model, batch));
            }
        }
        Array.ForEach(models, model => model.Dispose());
        // the first round warms up
        return Array.ConvertAll(rates, found => Array.ConvertAll(found, ofBatch => PairedTiming.Median(ofBatch.Skip(1))));
    }

    private static double Rate(FineTuningTransformer model, int batch)
    {
        var size = ((ImageInput)model.Inputs).Preprocessing.Size;
        var (pixels, scores) = (new byte[batch * size * size * 3], new float[batch * model.Classes.Count]);
        new Random(1).NextBytes(pixels);
        var (watch, count) = (Stopwatch.StartNew(), 0);
        do
        {
            model.Scorer.Score(pixels, batch, scores);
            count += batch;
        }
        while (watch.Elapsed.TotalSeconds < 0.3);
        return count / watch.Elapsed.TotalSeconds;
    }
}
