using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>One process of <see cref="Scaling"/>: steps of the training loop on its slices, alone or under an MPI launcher.</summary>
internal static class ScalingProcess
{
    public const string Name = "scaling-process";

    /// <summary>The networks: with frozen and with training BatchNorm, and without.</summary>
    public const string Images = "mobilenetv2", Norms = "mobilenetv2-batchnorm", Texts = "minilm";

    /// <summary>Number of the sums of the lowest stage, which start when the backward pass has ended.</summary>
    // The embeddings of words are larger than a bucket, and share the lowest stage with those of places.
    public static int SumsAtEnd(string network) => network == Texts ? 2 : 1;

    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments is not [Images or Norms or Texts, var threads, var count])
            throw new CannotRunException($"Usage: {Name} NETWORK THREADS STEPS");
        set_num_threads(int.Parse(threads, CultureInfo.InvariantCulture));
        var steps = int.Parse(count, CultureInfo.InvariantCulture);
        var group = new TimedGroup(ProcessGroup.Mpi());
        using var scope = NewDisposeScope();
        using var loop = arguments[0] switch
        {
            Images => OfImages(group, BatchNormMode.Frozen),
            Norms => OfImages(group, BatchNormMode.Train),
            _ => OfTexts(group),
        };
        loop.Step(0);
        loop.Step(1); // buffers, kernels and the code are ready
        group.Restart();
        group.Barrier();
        var (watch, cpu) = (Stopwatch.StartNew(), Cpu());
        for (var step = 0; step < steps; step++)
            loop.Step(2 + step);
        var (seconds, cpuSeconds) = (watch.Elapsed.TotalSeconds, (Cpu() - cpu).TotalSeconds);
        var waiting = group.Waiting.TotalSeconds;
        long[] sums = [.. group.Sums];
        var hidden = HiddenIn(group, steps, SumsAtEnd(arguments[0]));
        double[] together = [cpuSeconds, waiting];
        group.Sum(together);
        var alone = SecondsOf(group, sums);
        if (group.IsFirst)
        {
            Console.WriteLine(JsonSerializer.Serialize(new Result(seconds / steps, together[0] / steps, together[1] / group.Size / steps,
                alone / steps, hidden, [.. sums.Take(sums.Length / steps).Select(numbers => (double)numbers * sizeof(float))])));
        }
        return 0;
    }

    // Null in one process, which sums nothing.
    private static HiddenCommunication? HiddenIn(TimedGroup group, int steps, int atEnd)
    {
        SumTimes[] own = [.. group.Times];
        var all = group.Gather(MemoryMarshal.AsBytes(own.AsSpan()));
        return group.IsSeveral
            ? HiddenCommunication.Of([.. all.Select(bytes => MemoryMarshal.Cast<byte, SumTimes>(bytes).ToArray())], steps, atEnd)
            : null;
    }

    // The same sums with nothing to hide behind.
    private static double SecondsOf(TimedGroup group, long[] sums)
    {
        var buffers = sums.Distinct().ToDictionary(size => size, size => zeros(size, ScalarType.Float32));
        var best = double.MaxValue;
        for (var round = 0; round < 3; round++)
        {
            group.Barrier();
            var watch = Stopwatch.StartNew();
            foreach (var size in sums)
                group.StartSum(buffers[size]).Wait();
            best = Math.Min(best, watch.Elapsed.TotalSeconds);
        }
        return best;
    }

    private static Loop OfImages(ProcessGroup group, BatchNormMode batchNorm)
    {
        var (pixels, labels) = Networks.Data();
        var network = Networks.Ours();
        var loop = ReadyLoop.OfPixels(
            network, network.Stages.Count, ChannelsLast.Of(pixels), labels, processes: group, batchNorm: batchNorm);
        return new Loop(_ => loop.Steps(1), loop, network);
    }

    private static Loop OfTexts(ProcessGroup group)
    {
        var texts = new ReadyTexts("train.tsv", every: 29);
        var network = ReadyTexts.Network();
        var loop = ReadyLoop.OfTexts(network, texts.Input, texts.Dataset, texts.Labels, group);
        var order = new LengthBuckets(texts.Dataset, ReadyTexts.Batch, maxTokens: null)
            .Steps([.. Enumerable.Range(0, texts.Texts.Length)], batchesOfStep: 1, seed: 1, epoch: 1);
        return new Loop(step => loop.Train(new EpochOrder([order.Batches[step % order.Batches.Length]], [0])), loop, network);
    }

    private static TimeSpan Cpu() => Process.GetCurrentProcess().TotalProcessorTime;

    /// <param name="Seconds">Wall seconds of a step.</param>
    /// <param name="CpuSeconds">CPU seconds of a step, of all processes together.</param>
    /// <param name="Waiting">Seconds of a step in which a process only waited, in the mean over the processes.</param>
    /// <param name="Sums">Seconds of the sums of a step by themselves.</param>
    /// <param name="Hidden">What of the sums is hidden; null for one process.</param>
    /// <param name="Buckets">Bytes of each of these sums.</param>
    public sealed record Result(
        double Seconds, double CpuSeconds, double Waiting, double Sums, HiddenCommunication? Hidden, double[] Buckets);

    private sealed record Loop(Action<int> Step, IDisposable Training, IDisposable Network) : IDisposable
    {
        public void Dispose()
        {
            Training.Dispose();
            Network.Dispose();
        }
    }
}
