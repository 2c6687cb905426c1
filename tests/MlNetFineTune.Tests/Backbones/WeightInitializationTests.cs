using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Backbones;

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

        var firsts = a.NamedTensors().Where(named => named.Tensor.ndim >= 2).Select(named => named.Tensor.Values()[0] * Math.Sqrt(named.Tensor.shape[0])).ToArray();
        Assert.HasCount(firsts.Length, firsts.Distinct().ToArray());
    }
}
