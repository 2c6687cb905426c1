using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// The same global batch in one process with both cores, and in two processes with one core each, over MPI: a machine of two cores cannot
/// become faster by that, so that the loss is what the processes cost.
/// </summary>
internal sealed class Scaling : Benchmark
{
    private const int Processors = 2;

    public override string Name => "scaling";

    public override string Question =>
        "Training steps of all of MobileNetV2 (224 px, batch 16, BatchNorm frozen, and training) and all-MiniLM-L6-v2 (batch 32) over MPI: "
        + "two processes of one thread against one process of two threads, at the same global batch.";

    public override double Run(bool quick)
    {
        var ratio = Compare(ScalingProcess.Images, quick);
        Compare(ScalingProcess.Norms, quick);
        Compare(ScalingProcess.Texts, quick);
        return ratio;
    }

    private static double Compare(string network, bool quick)
    {
        var rounds = quick ? 1 : 5;
        var (alone, together) = (new List<ScalingProcess.Result>(), new List<ScalingProcess.Result>());
        for (var round = 0; round < rounds; round++)
        {
            alone.Add(Start(network, processes: 1, quick));
            together.Add(Start(network, Processors, quick));
        }
        BenchmarkRecorder.Print(new ResultTable([network, "s/step", "CPU s/step", "waiting s", "sums alone s", "MB/step"],
        [
            .. new[] { ("1 process, 2 threads", alone), ("2 processes, 1 thread", together) }.Select(row => (string[])
            [
                row.Item1, Text(row.Item2, one => one.Seconds), Text(row.Item2, one => one.CpuSeconds),
                Text(row.Item2, one => one.Waiting), Text(row.Item2, one => one.Sums),
                Median(row.Item2, one => one.Buckets.Sum() / 1e6).ToString("0.0", CultureInfo.InvariantCulture),
            ]),
        ]));
        BenchmarkRecorder.Print(new ResultTable(
            [network, "sums a step", "communication s", "exposed s", "hidden", "waiting for the slower s", "exposed of the step"],
            [
                [
                    "2 processes, 1 thread", together[0].Buckets.Length.ToString(CultureInfo.InvariantCulture),
                    Text(together, one => one.Hidden!.Total), Text(together, one => one.Hidden!.Exposed),
                    Percent(together, one => one.Hidden!.Share), Text(together, one => one.Hidden!.WaitingForSlower),
                    Percent(together, one => one.Hidden!.Exposed / one.Seconds),
                ],
            ]));
        new ScalingModel(Median(alone, one => one.Seconds), together[0].Buckets, ScalingProcess.SumsAtEnd(network)).Print(network);
        return PairedTiming.Median(alone.Zip(together, (one, two) => one.Seconds / two.Seconds));
    }

    private static double Median(List<ScalingProcess.Result> results, Func<ScalingProcess.Result, double> of) =>
        PairedTiming.Median(results.Select(of));

    private static string Text(List<ScalingProcess.Result> results, Func<ScalingProcess.Result, double> of) =>
        Median(results, of).ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Percent(List<ScalingProcess.Result> results, Func<ScalingProcess.Result, double> of) =>
        string.Create(CultureInfo.InvariantCulture, $"{100 * Median(results, of):0.0} %");

    private static ScalingProcess.Result Start(string network, int processes, bool quick)
    {
        string[] program =
            [typeof(Scaling).Assembly.Location, ScalingProcess.Name, network, $"{Processors / processes}", $"{(quick ? 2 : 8)}"];
        var start = processes == 1
            ? new ProcessStartInfo("dotnet", program)
            : new ProcessStartInfo("mpirun",
                ["--allow-run-as-root", "--oversubscribe", "--bind-to", "core", "-np", $"{processes}", "dotnet", .. program]);
        start.RedirectStandardOutput = true;
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                // A launcher's terminal codes may precede it.
                ? JsonSerializer.Deserialize<ScalingProcess.Result>(output[output.IndexOf('{')..])!
                : throw new CannotRunException($"{processes} processes of '{network}' failed.");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new CannotRunException($"mpirun does not start: {e.Message}. Install openmpi-bin and libopenmpi-dev.");
        }
    }
}
