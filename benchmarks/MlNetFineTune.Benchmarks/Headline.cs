using System.Diagnostics;
using System.Globalization;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// The number in the README: how long a new process takes that trains a classifier of ants and bees with a test accuracy of 96 %, and
/// scores the test photos. Both sides are timed from here, from the start of their process to its end. Options are those of
/// <see cref="FineTuneHead"/>; no option and no epoch was chosen by the test photos.
/// </summary>
internal sealed class Headline : Benchmark
{
    private const int Runs = 5;

    private const double Goal = 0.96;

    public override string Name => "headline";

    public override string Question =>
        "Ants and bees, a new head on MobileNetV2: seconds of a process that trains it to a test accuracy of 96 %, from its start "
        + "to its end, median of five; the ratio is that of PyTorch's script with cached features.";

    public override double Run(bool quick)
    {
        SharedFiles.Require("data/ants-bees");
        SharedFiles.Require("weights/mobilenetv2_100.safetensors");
        List<TimedRun> ours = [], peers = [];
        for (var seed = 1; seed <= (quick ? 1 : Runs); seed++)
        {
            var number = seed.ToString(CultureInfo.InvariantCulture);
            ours.Add(Time(() => StudyProcess.Run<double>(HeadlineProcess.Name, number)));
            if (!quick)
                peers.Add(Time(() => Peer(number)));
        }
        List<string[]> rows = [Row("MlNetFineTune", ours)];
        if (!quick)
            rows.Add(Row("PyTorch, features computed once", peers));
        BenchmarkRecorder.Print(new ResultTable(
            ["from the start of the process to its end", "s, median", "min", "max", "accuracy, median", "accuracies"], rows));
        var seconds = PairedTiming.Median(ours.Select(run => run.Seconds));
        var accuracy = PairedTiming.Median(ours.Select(run => run.Accuracy));
        var peer = quick ? "" : string.Create(CultureInfo.InvariantCulture,
            $"; PyTorch with cached features takes {PairedTiming.Median(peers.Select(run => run.Seconds)):0.0} seconds");
        BenchmarkRecorder.Summarize(string.Create(CultureInfo.InvariantCulture,
            $"**{seconds:0.0} seconds** for a process, from its start to its end, that trains to {100 * accuracy:0.0} % test accuracy "
            + $"on ants and bees (the goal is {100 * Goal:0} %: {(accuracy >= Goal ? "reached" : "NOT reached")}), "
            + $"on {Environment.ProcessorCount} cores, without a GPU: median of {ours.Count} seeds{peer}."));
        return quick ? double.NaN : PairedTiming.Median(ours.Zip(peers, (our, peer) => peer.Seconds / our.Seconds));
    }

    // Both sides wait until the process has ended.
    private static TimedRun Time(Func<double> accuracyOfProcess)
    {
        var watch = Stopwatch.StartNew();
        var accuracy = accuracyOfProcess();
        return new(watch.Elapsed.TotalSeconds, accuracy);
    }

    private static double Peer(string seed)
    {
        var photos = SharedFiles.Require("data/ants-bees");
        var last = PyTorch.Run("finetune.py", ["--mode", "head-cached", "--seed", seed, "--train", Path.Combine(photos, "train"),
            "--test", Path.Combine(photos, "val"), "--weights", SharedFiles.Require("weights")])[^1];
        return last.GetProperty("accuracies").EnumerateArray().Last().GetDouble();
    }

    private static string[] Row(string name, List<TimedRun> runs)
    {
        double[] seconds = [.. runs.Select(run => run.Seconds)];
        return
        [
            name, .. ((double[])[PairedTiming.Median(seconds), seconds.Min(), seconds.Max()])
                .Select(one => one.ToString("0.0", CultureInfo.InvariantCulture)),
            Accuracy(PairedTiming.Median(runs.Select(run => run.Accuracy))), string.Join(' ', runs.Select(run => Accuracy(run.Accuracy))),
        ];

        static string Accuracy(double share) => share.ToString("0.000", CultureInfo.InvariantCulture);
    }

    /// <param name="Seconds">From the start of the process to its end.</param>
    /// <param name="Accuracy">On <c>val</c>, 0 to 1.</param>
    private sealed record TimedRun(double Seconds, double Accuracy);
}
