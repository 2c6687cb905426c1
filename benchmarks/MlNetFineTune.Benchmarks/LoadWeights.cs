using System.Diagnostics;
using System.Globalization;
using MlNetFineTune.Networks;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Files with torchvision's shapes and random numbers, written by PyTorch; in the page cache, so that the disk is not measured.
/// </summary>
internal sealed class LoadWeights : Benchmark
{
    private static readonly string[] s_networks = ["mobilenet_v2", "resnet50"];

    public override string Name => "load";

    public override string Question =>
        "Loading a .pth file of the size of MobileNetV2 and of ResNet-50 into a network: ours against torch.load and load_state_dict. "
        + "The ratio is the lower of the two.";

    public override double Run(bool quick)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var runs = s_networks.Take(quick ? 1 : s_networks.Length)
                .Select(network => Run(network, Path.Combine(folder.FullName, $"{network}.pth"), quick)).ToList();
            BenchmarkRecorder.Print(new ResultTable(
                ["", "MB", "ms", "their ms", "ratio", "memory / file", "theirs"], [.. runs.Select(run => run.Row)]));
            return runs.Min(run => run.Ratio);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static (double Ratio, string[] Row) Run(string network, string path, bool quick)
    {
        if (quick)
            WriteOurs(path);
        else
            PyTorch.Run("load.py", ["make", network, path]);
        var size = new FileInfo(path).Length;

        using var scope = NewDisposeScope();
        List<(string, Tensor)> targets;
        using (var file = WeightFile.Open(path))
            targets = [.. file.Entries.Select(entry => (entry.Name, empty(entry.Shape, entry.Type)))];
        Load(); // warm-up: JIT
        var memory = Memory(path);
        var ours = PairedTiming.Median(Enumerable.Range(0, quick ? 3 : 20).Select(_ => Seconds(Load)).ToList());

        var (theirs, theirMemory) = (Seconds(() => File.ReadAllBytes(path)), double.NaN);
        if (!quick)
        {
            var line = PyTorch.Run("load.py", ["time", network, path])[0];
            (theirs, theirMemory) = (line.GetProperty("seconds").GetDouble(), line.GetProperty("memory").GetDouble() / size);
        }
        return (theirs / ours,
        [
            network, Text(size / 1e6, "0.0"), Text(ours * 1e3, "0.0"), Text(theirs * 1e3, "0.0"), Text(theirs / ours, "0.00"),
            Text(memory / size, "0.00"), Text(theirMemory, "0.00"),
        ]);

        static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);

        void Load()
        {
            using var file = WeightFile.Open(path);
            StrictLoader.Load(file, targets, network, _ => false);
        }
    }

    // Peak memory of creating and loading a network: the kernel's high-water mark, reset before (proc(5), clear_refs).
    private static double Memory(string path)
    {
        if (!OperatingSystem.IsLinux())
            return double.NaN;
        File.WriteAllText("/proc/self/clear_refs", "5");
        var before = Status("VmRSS:");
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(path);
        StrictLoader.Load(file, [.. file.Entries.Select(entry => (entry.Name, empty(entry.Shape, entry.Type)))], "a new network",
            _ => false);
        return Status("VmHWM:") - before;
    }

    private static double Status(string name) => 1024 * double.Parse(
        File.ReadLines("/proc/self/status").Single(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);

    private static void WriteOurs(string path)
    {
        Console.WriteLine("(a quick run leaves PyTorch out: the peer is a plain read of the file's bytes)");
        using var network = Backbone.MobileNetV2.FromScratch().CreateNetwork(seed: 1);
        WeightFileWriter.Write(path, network.NamedTensors(), new Dictionary<string, string>());
    }

    private static double Seconds(Action work)
    {
        var watch = Stopwatch.StartNew();
        work();
        return watch.Elapsed.TotalSeconds;
    }
}
