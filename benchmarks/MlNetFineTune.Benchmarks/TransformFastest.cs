using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class TransformFastest : Benchmark
{
    public override string Name => "transform-fastest";

    public override string Question =>
        "Scores of ready 224 px images through Transform of a model with WithOnnxRuntime, MobileNetV2: against the loop an ordinary "
        + "TorchSharp user writes.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        using var images = new ReadyImages(
            SharedFiles.MobileNetV2(), () => new PlainMobileNetV2(Networks.Classes), (quick ? 2 : 4) * Networks.Batch);
        using var onnx = images.Model.WithOnnxRuntime();
        CheckSame(images.Ours(), images.ScoresOf(onnx));
        using var reduced = ReadyModel.Of(images.Context, images.Backbone, images.View, nameof(ReadyImages.Row.Image), usesBFloat16: true);
        var library = $"Transform in {onnx.ScoringEngine} (WithOnnxRuntime)";
        const string torch = "Transform in libtorch", user = "plain TorchSharp, batch 16", single = "plain TorchSharp, row by row";
        var timing = new PairedTiming()
            .Add(library, () => images.ScoresOf(onnx).Count)
            .Add(torch, () => images.Ours().Count);
        if (ReducedPrecision.ChoiceFor(CPU).Use)
            timing.Add($"{torch}, bfloat16 (other scores)", () => images.ScoresOf(reduced).Count);
        timing.Add(user, () => images.Plain(Networks.Batch).Count)
            .Add(single, () => images.Plain(1).Count)
            .Run(rounds: quick ? 2 : 12, quick);
        timing.Print(library);
        PyTorch.PrintSteps(timing, library, "inference", quick);
        return timing.Ratio(library, user);
    }

    private static void CheckSame(List<float[]> expected, List<float[]> actual)
    {
        var difference = expected.Zip(actual).Max(pair => pair.First.Zip(pair.Second).Max(two => Math.Abs(two.First - two.Second)));
        var classes = expected.Zip(actual).Count(pair => Best(pair.First) != Best(pair.Second));
        Console.WriteLine(FormattableString.Invariant(
            $"scores of both engines: largest difference {difference:0.0e+0}, {classes} other classes"));
        if (difference > 1e-4f || classes > 0)
            throw new InvalidOperationException("The engines differ.");
    }

    private static int Best(float[] scores) => Array.IndexOf(scores, scores.Max());
}
