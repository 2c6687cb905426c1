using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class StepHead : Benchmark
{
    public override string Name => "step-head";

    public override string Question =>
        "Head-only training steps through a frozen MobileNetV2, 224 px, batch 16, nothing cached: "
        + "ours against the loop an ordinary TorchSharp user writes.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        var (pixels, labels) = Networks.Data();
        var channelsLast = ChannelsLast.Of(pixels);
        var targets = tensor(labels, ScalarType.Int64);

        using var classifier = Networks.Ours();
        using var plain = Networks.Plain(classifier);
        plain.eval();
        using var plainOptimizer = optim.AdamW(plain.classifier.parameters(), lr: 1e-4);
        using var ours = ReadyLoop.OfPixels(classifier, trainedStages: 0, channelsLast, labels);

        using var rawClassifier = Networks.Ours();
        rawClassifier.Backbone.eval();
        rawClassifier.Backbone.Fold(rawClassifier.Backbone.Stages.Count);
        using var rawOptimizer = Optimizer.AdamW()
            .CreateState(
                ParameterGroups.Apply(
                new PlanRules([PhaseRule.Of(rawClassifier.Backbone.Stages.Count, trained: 0, layerDecay: 1, epochs: 1)])
                .Resolve(rawClassifier).Phases[0], rawClassifier));

        Networks.CheckSame("loss of the first step", ours.Steps(1), PlainStep());

        const string library = "MlNetFineTune's training loop", user = "plain TorchSharp",
            raw = "plain loop in the library's layout, folded";
        var timing = new PairedTiming()
            .Add(library, () => { ours.Steps(2); return 2 * Networks.Batch; })
            .Add(user, () => { Twice(PlainStep); return 2 * Networks.Batch; })
            .Add(raw, () => { Twice(RawStep); return 2 * Networks.Batch; })
            .Run(rounds: quick ? 3 : 25, quick);
        timing.Print(library);
        PyTorch.PrintSteps(timing, library, "head", quick);
        return timing.Ratio(library, user);

        double PlainStep() =>
            Step(() => plain.Features(pixels), plain.classifier.forward, plainOptimizer.zero_grad, () => plainOptimizer.step());

        double RawStep() =>
            Step(() => rawClassifier.Backbone.forward(channelsLast), rawClassifier.Head.forward, rawOptimizer.ZeroGradients,
                () => rawOptimizer.Step(1e-4));

        double Step(Func<Tensor> features, Func<Tensor, Tensor> head, Action zeroGradients, Action change)
        {
            using var step = NewDisposeScope();
            Tensor pooled;
            using (no_grad())
                pooled = features();
            zeroGradients();
            var loss = nn.functional.cross_entropy(head(pooled), targets);
            loss.backward();
            change();
            return loss.item<float>();
        }

        static void Twice(Func<double> step)
        {
            step();
            step();
        }
    }
}
