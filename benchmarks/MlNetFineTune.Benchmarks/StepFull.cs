using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Benchmarks;

internal sealed class StepFull : Benchmark
{
    public override string Name => "step-full";

    public override string Question =>
        "Training steps of all of MobileNetV2, 224 px, batch 16, ready tensors, AdamW: "
        + "ours against the loop an ordinary TorchSharp user writes.";

    public override double Run(bool quick)
    {
        using var scope = NewDisposeScope();
        var (pixels, labels) = Networks.Data();
        var channelsLast = ChannelsLast.Of(pixels);
        var targets = tensor(labels, ScalarType.Int64);

        using var classifier = Networks.Ours();
        using var plain = Networks.Plain(classifier);
        plain.train();
        using var plainOptimizer = optim.AdamW(plain.parameters(), lr: 1e-4);
        using var vision = TorchVisionPeer.MobileNetV2(classifier);
        vision.train();
        using var visionOptimizer = optim.AdamW(vision.parameters(), lr: 1e-4);
        using var ours = ReadyLoop.OfPixels(classifier, classifier.Backbone.Stages.Count, channelsLast, labels);

        using var rawClassifier = Networks.Ours();
        var stages = rawClassifier.Backbone.Stages.Count;
        using var rawOptimizer = Optimizer.AdamW()
            .CreateState(
                ParameterGroups.Apply(new PlanRules([PhaseRule.Of(stages, stages, layerDecay: 1, epochs: 1)])
                .Resolve(rawClassifier).Phases[0], rawClassifier));
        rawClassifier.Backbone.SetTraining(0);

        Networks.CheckSame("loss of the first step", ours.Steps(1), Step(plain, plainOptimizer));

        const string library = "MlNetFineTune's training loop", user = "plain TorchSharp",
            raw = "plain loop in the library's layout";
        var timing = new PairedTiming()
            .Add(library, () => { ours.Steps(1); return Networks.Batch; })
            .Add(user, () => { Step(plain, plainOptimizer); return Networks.Batch; })
            .Add(TorchVisionPeer.Name, () => { Step(vision, visionOptimizer); return Networks.Batch; })
            .Add(raw, () => { RawStep(); return Networks.Batch; })
            .Run(rounds: quick ? 3 : 25, quick);
        timing.Print(library);
        PyTorch.PrintSteps(timing, library, "full", quick);
        return timing.Ratio(library, user);

        double Step(nn.Module<Tensor, Tensor> network, optim.Optimizer optimizer)
        {
            using var step = NewDisposeScope();
            optimizer.zero_grad();
            var loss = nn.functional.cross_entropy(network.forward(pixels), targets);
            loss.backward();
            optimizer.step();
            return loss.item<float>();
        }

        double RawStep()
        {
            using var step = NewDisposeScope();
            rawOptimizer.ZeroGradients();
            var loss = nn.functional.cross_entropy(rawClassifier.Head.forward(rawClassifier.Backbone.forward(channelsLast)), targets);
            loss.backward();
            rawOptimizer.Step(1e-4);
            return loss.item<float>();
        }
    }
}
