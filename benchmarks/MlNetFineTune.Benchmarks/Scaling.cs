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
        double Median(List<ScalingProcess.Result> results, Func<ScalingProcess.Result, double> of) =>
            PairedTiming.Median(results.Select(of));
        Console.WriteLine($"{network,-24} {"s/step",10} {"CPU s/step",12} {"waiting s",10} {"sums s",10} {"MB/step",10}");
        foreach (var (name, results) in new[] { ("1 process, 2 threads", alone), ("2 processes, 1 thread", together) })
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-24} {Median(results, one => one.Seconds),10:0.0000} {Median(results, one => one.CpuSeconds),12:0.0000} "
                + $"{Median(results, one => one.Waiting),10:0.0000} {Median(results, one => one.Sums),10:0.0000} "
                + $"{Median(results, one => one.Buckets.Sum()) / 1e6,10:0.0}"));
        }
        var hidden = PairedTiming.Median(together.Select(one => 1 - Math.Min(one.Waiting / one.Sums, 1)));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Of the time that the sums take by themselves {hidden:0 %} is hidden behind the backward pass (waiting for the slower process "
            + $"is counted as not hidden)."));
        // The embeddings of words are larger than a bucket, and share the lowest stage with those of places.
        new ScalingModel(Median(alone, one => one.Seconds), together[0].Buckets, AtEnd: network == ScalingProcess.Texts ? 2 : 1)
            .Print(network);
        return PairedTiming.Median(alone.Zip(together, (one, two) => one.Seconds / two.Seconds));
    }

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
