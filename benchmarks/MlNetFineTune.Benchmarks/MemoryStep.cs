using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Steps with <see cref="HeapPages"/> and without, each in its own process, since the C library's settings are the process's.
/// </summary>
internal sealed class MemoryStep : Benchmark
{
    /// <summary>Name of the command that runs one side of a pair.</summary>
    public const string One = "memory-step-one";

    private const int WarmUp = 3;

    private static readonly (string What, int Trained)[] s_kinds = [("training step", int.MaxValue), ("head-only step", 1)];

    public override string Name => "memory-step";

    public override string Question =>
        "Training steps of MobileNetV2, 224 px, batch 16: with the pages of freed memory kept, as Fit does, "
        + "against glibc's usual settings.";

    public override double Run(bool quick)
    {
        if (HeapPages.Keep() is not { } pages)
            throw new CannotRunException("There is nothing to compare: not Linux, or the variables of glibc's malloc are set.");
        pages.Dispose();
        return s_kinds.Select(kind => Compare(kind.What, quick)).ToArray()[0];
    }

    /// <summary>One side of a pair, in its own process.</summary>
    public static int RunOne(string what, bool keep, int steps)
    {
        using var pages = keep ? HeapPages.Keep() : null;
        using var scope = NewDisposeScope();
        var (pixels, labels) = Networks.Data();
        using var network = Networks.Ours();
        var trained = Math.Min(s_kinds.Single(kind => kind.What == what).Trained, network.Stages.Count);
        using var loop = ReadyLoop.OfPixels(network, trained, ChannelsLast.Of(pixels), labels);
        loop.Steps(WarmUp);
        using var process = Process.GetCurrentProcess();
        var (user, system) = (process.UserProcessorTime, process.PrivilegedProcessorTime);
        var clock = Stopwatch.StartNew();
        loop.Steps(steps);
        var rate = steps * Networks.Batch / clock.Elapsed.TotalSeconds;
        process.Refresh();
        Console.WriteLine(JsonSerializer.Serialize(new Result(
            rate, (process.PrivilegedProcessorTime - system).TotalSeconds, (process.UserProcessorTime - user).TotalSeconds,
            process.PeakWorkingSet64 / 1048576.0)));
        return 0;
    }

    private static double Compare(string what, bool quick)
    {
        var (rounds, steps) = quick ? (1, 3) : (5, 8);
        var pairs = Enumerable.Range(0, rounds).Select(_ => (Keep: Measure(keep: true), Leave: Measure(keep: false))).ToList();
        var ratio = PairedTiming.Median([.. pairs.Select(pair => pair.Keep.Rate / pair.Leave.Rate)]);
        BenchmarkRecorder.Print(new ResultTable(
            [$"{what}, medians of {rounds} pairs", "images/s", "system s", "user s", "peak MB", "ratio"],
        [
            Row("pages kept", [.. pairs.Select(pair => pair.Keep)], 1), Row("usual", [.. pairs.Select(pair => pair.Leave)], ratio),
        ]));
        return ratio;

        Result Measure(bool keep) => StudyProcess.Run<Result>(
            One, what, keep.ToString(CultureInfo.InvariantCulture), steps.ToString(CultureInfo.InvariantCulture));

        static string[] Row(string side, IReadOnlyList<Result> runs, double ratio)
        {
            string Of(Func<Result, double> value, string format) =>
                PairedTiming.Median([.. runs.Select(value)]).ToString(format, CultureInfo.InvariantCulture);
            return
            [
                side, Of(run => run.Rate, "0.0"), Of(run => run.SystemSeconds, "0.00"), Of(run => run.UserSeconds, "0.00"),
                Of(run => run.PeakMegabytes, "0"), ratio.ToString("0.00", CultureInfo.InvariantCulture),
            ];
        }
    }

    public sealed record Result(double Rate, double SystemSeconds, double UserSeconds, double PeakMegabytes);
}
