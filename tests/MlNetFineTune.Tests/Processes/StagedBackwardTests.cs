using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Processes;

/// <summary>A backward pass in stages has the gradients of the plain one, and says from the head downward when they are complete.</summary>
[TestClass]
public sealed class StagedBackwardTests
{
    [TestMethod]
    [DataRow("micro", 0, 0, false)]
    [DataRow("micro", 0, 2, false)] // frozen stages that run in every step
    [DataRow("micro", 2, 2, false)]
    [DataRow("micro", 4, 4, false)] // the head alone
    [DataRow("vit", 0, 0, false)]
    [DataRow("micro", 0, 0, true)]
    [DataRow("micro", 0, 2, true)]
    public void GradientsAreCompleteStageByStage(string network, int first, int frozen, bool recomputes)
    {
        using var classifier = Formula.Classifier(network, 1, "symmetric", network == "vit" ? 1e-6 : 1e-5, ScalarType.Float32);
        foreach (var parameter in classifier.Parameters())
            parameter.Parameter.requires_grad = parameter.Stage >= frozen;
        classifier.BeginTraining(frozen);
        using var scope = NewDisposeScope();
        using var picture = ChannelsLast.Of(Formula.Images(4, 64, 64, type: ScalarType.Float32));
        Tensor input;
        using (no_grad())
            input = classifier.ForwardFirst(picture, first);
        var before = classifier.NamedTensors().ToDictionary(named => named.Name, named => named.Tensor.clone());
        Tensor Whole(ModelInputs inputs, int stage, int batch) => classifier.ForwardInTraining(inputs, stage, seed: 1, step: batch);

        Loss(Whole(input, first, batch: 0)).backward();
        var expected = Gradients(classifier);
        using (no_grad())
        {
            foreach (var (name, tensor) in classifier.NamedTensors())
                tensor.copy_(before[name]);
        }
        StagePass pass = recomputes
            ? new CheckpointedStages(classifier, first, frozen, seed: 1, Whole)
            : new StagedBackward(classifier, first, frozen, seed: 1, Whole);
        Loss(pass.Forward(input, batch: 0)).backward();
        var completed = new List<int>();
        pass.Backward(stage =>
        {
            completed.Add(stage);
            foreach (var parameter in classifier.Parameters())
                Assert.AreEqual(parameter.Stage >= stage, parameter.Parameter.grad is not null, $"{parameter.Name} after stage {stage}");
        });

        var highest = recomputes ? classifier.Stages.Count - 1 : classifier.Stages.Count;
        CollectionAssert.AreEqual(Enumerable.Range(frozen, highest - frozen + 1).Reverse().ToArray(), completed);
        var actual = Gradients(classifier);
        CollectionAssert.AreEquivalent(expected.Keys, actual.Keys);
        foreach (var (name, values) in expected)
            Fixture.AreClose(values, actual[name], 1e-6, name);
    }

    private static Tensor Loss(Tensor outputs) => nn.functional.cross_entropy(outputs, tensor([0L, 1, 2, 3], ScalarType.Int64));

    private static Dictionary<string, double[]> Gradients(ImageNetwork network)
    {
        var gradients = new Dictionary<string, double[]>();
        foreach (var (name, parameter) in network.NamedParameters())
        {
            if (parameter.grad is { } gradient)
                gradients[name] = gradient.Values();
            parameter.grad = null;
        }
        return gradients;
    }
}
