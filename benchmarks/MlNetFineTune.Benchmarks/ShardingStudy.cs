using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Cost of scoring in shards: one shard against <c>SaveAsBinary(Transform)</c>, and two processes with half of the cores each. Features of
/// MobileNetV1 0.25 of the ants-bees photos, again and again; each part in a process of its own, the parts in turn.
/// </summary>
internal static class ShardingStudy
{
    public const string Name = "sharding-study";

    public const string Usage = $"{Name} [--rows N] [--rounds N] [--quick]";

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is ["--part", var part, var rowsOfPart, var folder])
        {
            Console.WriteLine(System.Text.Json.JsonSerializer.Serialize(Part(part, Number(rowsOfPart), folder)));
            return 0;
        }
        var quick = arguments.Contains("--quick");
        var rows = quick ? 100 : Option("--rows", 4000);
        var rounds = quick ? 1 : Option("--rounds", 3);
        string[] names = ["SaveAsBinary(Transform)", "one shard", "merging it", "two shards, two processes", "merging them"];
        var seconds = names.Select(_ => new List<Cost>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            var (one, two) = (Directory.CreateTempSubdirectory().FullName, Directory.CreateTempSubdirectory().FullName);
            try
            {
                seconds[0].Add(Child("alone", rows, one));
                seconds[1].Add(Child("0/1", rows, one));
                seconds[2].Add(Child("merge", rows, one));
                Environment.SetEnvironmentVariable("OMP_NUM_THREADS", $"{Math.Max(Environment.ProcessorCount / 2, 1)}");
                var shards = new[] { "0/2", "1/2" }.Select(shard => Task.Run(() => Child(shard, rows, two))).ToArray();
                Task.WaitAll(shards);
                Environment.SetEnvironmentVariable("OMP_NUM_THREADS", null);
                seconds[3].Add(new(shards.Max(shard => shard.Result.Wall), shards.Sum(shard => shard.Result.Processor)));
                seconds[4].Add(Child("merge", rows, two));
            }
            finally
            {
                Directory.Delete(one, recursive: true);
                Directory.Delete(two, recursive: true);
            }
        }
        Console.WriteLine($"{rows} photos, {rounds} rounds, {Environment.ProcessorCount} cores; medians, without the start of processes\n");
        Console.WriteLine("| | seconds | CPU seconds |\n|---|---|---|");
        foreach (var (name, costs) in names.Zip(seconds))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {name} | {Median(costs.Select(cost => cost.Wall)):0.0} | {Median(costs.Select(cost => cost.Processor)):0.0} |"));
        }
        return 0;

        int Option(string name, int otherwise) =>
            arguments.SkipWhile(argument => argument != name).Skip(1).FirstOrDefault() is { } value ? Number(value) : otherwise;
    }

    private static Cost Child(string part, int rows, string folder) =>
        StudyProcess.Run<Cost>(Name, "--part", part, rows.ToString(CultureInfo.InvariantCulture), folder);

    private static Cost Part(string part, int rows, string folder)
    {
        var ml = new MLContext(seed: 1);
        var photos = Photos.Paths();
        var data = ml.Data.LoadFromEnumerable(
            Enumerable.Range(0, rows).Select(i => new Row { Number = i, ImagePath = photos[i % photos.Count] }).ToArray());
        using var model = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", SharedFiles.MobileNetV1Quarter()).Fit(data);
        model.Transform(ml.Data.TakeRows(data, 32)).GetColumn<float[]>("Features").Count(); // warm-up
        var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        switch (part)
        {
            case "alone":
                using (var file = File.Create(Path.Combine(folder, "alone.idv")))
                    ml.Data.SaveAsBinary(model.Transform(data), file);
                break;
            case "merge":
                ml.Data.MergeShards(Path.Combine(folder, "scores"), Path.Combine(folder, "merged.idv"));
                break;
            default:
                ml.Model.TransformSharded(model, data, Path.Combine(folder, "scores"), Shard.Parse(part));
                break;
        }
        return new(watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);

    private sealed record Cost(double Wall, double Processor);

    private sealed class Row
    {
        public int Number { get; set; }

        public string ImagePath { get; set; } = "";
    }
}
