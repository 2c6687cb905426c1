using MlNetFineTune.Heads;
using MlNetFineTune.Strategies;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Training;

[TestClass]
public sealed class StrategyTests
{
    [TestMethod]
    public void FromAStageOnTrainsItAndAllAboveIt()
    {
        using var classifier = ImageClassifier.CreateEmpty(Backbone.ResNet18, classes: 3);

        var part = Strategy.From("layer3", layerDecay: 0.5f).Resolve("resnet18", classifier.Stages, epochs: 2).Parts.Single();

        Assert.AreEqual(2, part.Epochs);
        Assert.AreEqual(classifier.Stages.ToList().IndexOf("layer3"), part.FrozenStages(classifier));
        foreach (var parameter in classifier.Parameters())
        {
            var expected = parameter.Name.Split('.')[0] switch { "fc" => 1, "layer4" => 0.5f, "layer3" => 0.25f, _ => 0 };
            Assert.AreEqual(expected, part.ScaleOf(parameter), parameter.Name);
        }
    }

    [TestMethod]
    public void AStageThatIsNotThereIsNamedWithThoseThatAre()
    {
        var error = Assert.ThrowsExactly<ArgumentException>(() => Strategy.From("layer5").Resolve("resnet18", Backbone.ResNet18.Stages, epochs: 1));

        StringAssert.Contains(error.Message, "From(layer5, layerDecay: 0.7): resnet18 has no such stage; it has: ");
        StringAssert.Contains(error.Message, "layer4");
    }

    [TestMethod]
    public void ALayerWhoseOwnParametersAreFrozenStaysInInferenceMode()
    {
        using var classifier = ImageClassifier.CreateEmpty(Backbone.ResNet18, classes: 3);
        var part = new PlanPart(1, parameter => parameter.Name.StartsWith("layer2.", StringComparison.Ordinal) ? 1 : 0);

        ParameterGroups.Apply(part, classifier);
        classifier.BeginTraining(part.FrozenStages(classifier));

        foreach (var (path, layer) in classifier.Backbone.named_modules().Where(named => named.module.named_parameters(recurse: false).Any()))
            Assert.AreEqual(path.StartsWith("layer2.", StringComparison.Ordinal), layer.training, path);
    }
}
