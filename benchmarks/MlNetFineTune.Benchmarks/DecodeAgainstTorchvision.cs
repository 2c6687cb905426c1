using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Benchmarks;

internal sealed class DecodeAgainstTorchvision : Benchmark
{
    public override string Name => "decode-torchvision";

    public override string Question =>
        "Photos (ants-bees) from their files to normalised 224 px tensors, 2 workers: "
        + "ours against torchvision's evaluation transform in a DataLoader with 2 worker processes.";

    public override double Run(bool quick)
    {
        var paths = Photos.Paths(quick ? 48 : null);
        var preprocessing = new ImagePreprocessing();
        using var torchvision = new PyTorchPeer("decode.py", ["--workers", $"{Photos.Workers}", "--batch", $"{Networks.Batch}"], paths);
        Networks.CheckSame("mean of all pixels", Photos.Decode(paths, preprocessing, Augmentation.None).Mean,
            torchvision.Pass().GetProperty("mean").GetDouble(), tolerance: 0.01);

        const string ours = "MlNetFineTune, 2 workers", theirs = "torchvision, 2 worker processes";
        var timing = new PairedTiming()
            .Add(ours, () => Photos.Decode(paths, preprocessing, Augmentation.None).Count)
            .Add(theirs, () => torchvision.Pass().GetProperty("count").GetInt32())
            .Run(rounds: quick ? 2 : 9, quick);
        timing.Print(ours);
        return timing.Ratio(ours, theirs);
    }
}
