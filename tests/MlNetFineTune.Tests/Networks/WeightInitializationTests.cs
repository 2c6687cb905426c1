using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Networks;

[TestClass]
public sealed class WeightInitializationTests
{
    [TestMethod]
    public void RandomWeightsHaveTheDeviationThatKeepsSignalsAlive()
    {
        using var network = Backbone.MobileNetV2.FromScratch().CreateNetwork(seed: 1);
        foreach (var (name, tensor) in network.NamedTensors())
        {
            var values = tensor.Values();
            if (tensor.ndim < 2)
            {
                var expected = name.EndsWith("weight", StringComparison.Ordinal) || name.EndsWith("var", StringComparison.Ordinal) ? 1 : 0;
                Assert.IsTrue(values.All(v => v == expected), name);
                continue;
            }

            // sqrt(2 / (k * k * outputs per group)); a depthwise filter's outputs see one channel each.
            var deviation = Math.Sqrt(2.0 / (tensor.shape[2] * tensor.shape[3] * (tensor.shape[1] == 1 ? 1 : tensor.shape[0])));
            Assert.AreEqual(deviation, Math.Sqrt(values.Average(v => v * v)), deviation * 5 / Math.Sqrt(2.0 * values.Length), name);
            Assert.AreEqual(0, values.Average(), 5 * deviation / Math.Sqrt(values.Length), name);
        }
    }

    /// <summary>As each network's authors' code says: the second moment of the weights, times what it is divided by.</summary>
    [TestMethod]
    [DataRow("resnet20", "layer2.0.conv1.weight", 2.0, 16 * 9)] // fan in
    [DataRow("densenet", "features.denseblock1.denselayer1.conv1.weight", 2.0, 16)] // fan in
    [DataRow("squeezenet", "features.12.squeeze.weight", 2.0, 512)] // fan in
    [DataRow("resnext", "layer4.0.conv2.weight", 2.0, 1024 * 9)] // fan out, of all groups together
    [DataRow("regnety", "trunk_output.block2.block2-0.f.se.fc1.weight", 2.0, 12)] // fan out
    public void EveryFamilyDrawsByItsOwnRule(string network, string tensor, double gain, int divisor)
    {
        using var drawn = FixtureNetworks.Find(network, width: 1).FromScratch().CreateNetwork(seed: 1);
        var values = drawn.NamedTensors().Single(named => named.Name == tensor).Tensor.Values();
        var variance = gain / divisor;
        Assert.AreEqual(variance, values.Average(v => v * v), variance * 5 * Math.Sqrt(2.0 / values.Length), tensor);
        var isUniform = network == "squeezenet";
        Assert.AreEqual(isUniform, values.Max() <= Math.Sqrt(3 * variance), "a uniform draw ends at sqrt(3) deviations");
        foreach (var (name, bias) in drawn.NamedTensors().Where(named => named.Name.EndsWith(".bias", StringComparison.Ordinal)))
            Assert.IsTrue(bias.Values().All(v => v == 0), name);
    }

    [TestMethod]
    public void VggsHiddenLayersBeginSmall()
    {
        var architecture = Vgg.Of("vgg", [(8, 1), (16, 1)], hidden: 48);
        using var drawn = new Backbone(architecture).FromScratch().CreateNetwork(seed: 1);
        var values = drawn.NamedTensors().Single(named => named.Name == "classifier.0.weight").Tensor.Values();
        Assert.AreEqual(1e-4, values.Average(v => v * v), 1e-4 * 5 * Math.Sqrt(2.0 / values.Length));
    }

    [TestMethod]
    [DataRow("vit", "cls_token", 0)]
    [DataRow("dinov2", "gamma", 1e-5)]
    [DataRow("convnext", "gamma", 1e-6)]
    public void TransformersAndConvNeXtBeginNearZero(string name, string special, double value)
    {
        using var network = FixtureNetworks.Find(name, 1).FromScratch().CreateNetwork(seed: 1);
        foreach (var (tensorName, tensor) in network.NamedTensors())
        {
            var values = tensor.Values();
            if (tensorName.EndsWith(special, StringComparison.Ordinal))
                Assert.IsTrue(values.All(v => Math.Abs(v - value) < 1e-5 && (value == 0 || v == (float)value)), tensorName);
            else if (tensor.ndim >= 2 && tensorName != "cls_token")
                Assert.AreEqual(0.02, Math.Sqrt(values.Average(v => v * v)), 0.02 * 5 / Math.Sqrt(2.0 * values.Length), tensorName);
            else if (tensor.ndim < 2)
                Assert.IsTrue(values.All(v => v == (tensorName.EndsWith("weight", StringComparison.Ordinal) ? 1 : 0)), tensorName);
        }
    }

    [TestMethod]
    public void TheSeedDecidesEveryWeightAndTensorsDiffer()
    {
        using var a = Backbone.Micro.FromScratch().CreateNetwork(seed: 1);
        using var b = Backbone.Micro.FromScratch().CreateNetwork(seed: 1);
        using var c = Backbone.Micro.FromScratch().CreateNetwork(seed: 2);
        foreach (var ((x, y), z) in a.NamedTensors().Zip(b.NamedTensors()).Zip(c.NamedTensors()))
        {
            CollectionAssert.AreEqual(x.Tensor.Values(), y.Tensor.Values(), x.Name);
            if (x.Tensor.ndim >= 2)
                CollectionAssert.AreNotEqual(x.Tensor.Values(), z.Tensor.Values(), x.Name);
        }

        var firsts = a.NamedTensors().Where(named => named.Tensor.ndim >= 2)
            .Select(named => named.Tensor.Values()[0] * Math.Sqrt(named.Tensor.shape[0])).ToArray();
        Assert.HasCount(firsts.Length, firsts.Distinct().ToArray());
    }
}
