using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class TransformSmall : Benchmark
{
    public override string Name => "transform-small";

    public override string Question =>
        "Scores of ready 224 px images through Transform, MobileNetV1 0.25: "
        + "ours against a plain TorchSharp loop row by row, as ML.NET's own trainers score.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        var backbone = SharedFiles.MobileNetV1Quarter();
        using var images = new ReadyImages(
            backbone, () => new PlainMobileNetV1(0.25, Networks.Classes, backbone.Recipe.Epsilon), (quick ? 4 : 16) * Networks.Batch);
        const string library = "MlNetFineTune's Transform", user = "plain TorchSharp, row by row",
            batched = "plain TorchSharp, batch 16";
        var timing = new PairedTiming()
            .Add(library, () => images.Ours().Count)
            .Add(user, () => images.Plain(1).Count)
            .Add(batched, () => images.Plain(Networks.Batch).Count)
            .Run(rounds: quick ? 2 : 12, quick);
        timing.Print(library);
        return timing.Ratio(library, user);
    }
}
