using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class TransformReadyImages : Benchmark
{
    public override string Name => "transform";

    public override string Question =>
        "Scores of ready 224 px images through Transform, MobileNetV2: ours against the loop an ordinary TorchSharp user writes.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        using var images = new ReadyImages(
            SharedFiles.MobileNetV2(), () => new PlainMobileNetV2(Networks.Classes), (quick ? 2 : 4) * Networks.Batch);
        using var classifier = Networks.Ours();
        using var vision = TorchVisionPeer.MobileNetV2(classifier);
        vision.eval();
        const string library = "MlNetFineTune's Transform", user = "plain TorchSharp, batch 16",
            single = "plain TorchSharp, row by row";
        var timing = new PairedTiming()
            .Add(library, () => images.Ours().Count)
            .Add(user, () => images.Plain(Networks.Batch).Count)
            .Add($"{TorchVisionPeer.Name}, batch 16", () => images.Plain(Networks.Batch, vision).Count)
            .Add(single, () => images.Plain(1).Count)
            .Run(rounds: quick ? 2 : 12, quick);
        timing.Print(library);
        PyTorch.PrintSteps(timing, library, "inference", quick);
        return timing.Ratio(library, user);
    }
}
