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

    /// <summary>With dropout, which in the module changes its input in place.</summary>
    [TestMethod]
    [DataRow("module", false)]
    [DataRow("module", true)]
    [DataRow("text", false)]
    [DataRow("text", true)]
    public void ModulesAndTextsHaveTheGradientsOfOnePass(string kind, bool recomputes)
    {
        using FineTunedNetwork network = kind == "module" ? Module() : Text();
        network.BeginTraining(0);
        using var scope = NewDisposeScope();
        var input = new ModelInputs(
            kind == "module" ? Formula.Images(4, 1, 2).flatten(1) : tensor([5L, 6, 7, 8, 9, 10, 11, 12], [4, 2], ScalarType.Int64),
            trainingRows: new TrainingRows([3, 1, 4, 2]));
        Tensor Whole(ModelInputs inputs, int stage, int batch) => network.ForwardInTraining(inputs, stage, seed: 1, step: batch);

        Loss(Whole(input, 0, batch: 2)).backward();
        var expected = Gradients(network);
        StagePass pass = recomputes
            ? new CheckpointedStages(network, first: 0, frozen: 0, seed: 1, Whole)
            : new StagedBackward(network, first: 0, frozen: 0, seed: 1, Whole);
        Loss(pass.Forward(input, batch: 2)).backward();
        var completed = new List<int>();
        pass.Backward(completed.Add);

        var highest = recomputes ? network.Stages.Count - 1 : network.Stages.Count;
        Assert.IsGreaterThan(0, highest);
        CollectionAssert.AreEqual(Enumerable.Range(0, highest + 1).Reverse().ToArray(), completed);
        var actual = Gradients(network);
        CollectionAssert.AreEquivalent(expected.Keys, actual.Keys);
        foreach (var (name, values) in expected)
            Fixture.AreClose(values, actual[name], 1e-6, name);
    }

    private static ModuleNetwork Module()
    {
        AnyFactory.Make = context => nn.Sequential(
            ("one", new Dense(context.Inputs[0].Size, 8)), ("drop", nn.Dropout(0.2, inplace: true)), ("two", new Dense(8, 7)),
            ("drop2", nn.Dropout(0.2, inplace: true)), ("head", new Dense(7, context.Outputs)));
        return ModuleNetwork.Create(
            new AnyFactory(), "any", new ModuleContext([new ModuleContext.InputShape("Features", [6])], 4), seed: 1);
    }

    private static TextNetwork Text()
    {
        var folder = SmallTexts.CreateFolder("bert", dropout: 0.2);
        var network = TextNetwork.CreateEmpty(TextBackbone.FromFolder(folder), features => new LinearHead(features, 4));
        foreach (var (name, tensor) in network.NamedTensors())
            Formula.Fill(name, tensor);
        return network;
    }

    private static Tensor Loss(Tensor outputs) => nn.functional.cross_entropy(outputs, tensor([0L, 1, 2, 3], ScalarType.Int64));

    private static Dictionary<string, double[]> Gradients(FineTunedNetwork network)
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
