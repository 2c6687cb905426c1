using System.Text;
using System.Text.Json;
using MlNetFineTune.Backbones;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Backbones;

/// <summary>Full-sized networks: their tensors and their cost. They are made on libtorch's device "meta", where tensors have shapes and no memory.</summary>
[TestClass]
public sealed class BackboneCostsTests
{
    private static readonly JsonElement s_signatures = Fixture.Read("network-signatures.json");

    public static IEnumerable<object[]> Signatures => s_signatures.EnumerateObject().Select(network => new object[] { network.Name });

    [TestMethod]
    [DynamicData(nameof(Signatures))]
    public void NamesShapesAndCostsAreTorchvisions(string name)
    {
        var expected = s_signatures.GetProperty(name);
        using var network = WithoutMemory(name);
        var lines = network.NamedTensors().Select(named => $"{named.Name} [{string.Join(", ", named.Tensor.shape)}]").Order(StringComparer.Ordinal).ToArray();
        Assert.HasCount((int)expected.Number("tensors"), lines);
        Assert.AreEqual((uint)expected.Number("hash"), Formula.Fnv1a(string.Join('\n', lines)), $"the names and shapes of {name}");

        var size = (int)expected.Number("inputSize");
        Assert.AreEqual((long)expected.Number("parameters"), network.ParameterCount);
        Assert.AreEqual((long)expected.Number("multiplyAdds"), MultiplyAdds(network, size));
        var listed = Backbone.List().Single(info => info.Name == name);
        Assert.AreEqual((network.ParameterCount, (long)expected.Number("multiplyAdds"), size), (listed.Parameters, listed.MultiplyAdds, listed.InputSize));
    }

    [TestMethod]
    public void TheListSaysWhatEachNetworkCosts()
    {
        var listed = Backbone.List();
        var counted = listed.Select(info =>
        {
            using var network = WithoutMemory(info.Name);
            return info with { Parameters = network.ParameterCount, MultiplyAdds = MultiplyAdds(network, info.InputSize), Features = network.Features };
        }).ToArray();
        Assert.IsTrue(counted.SequenceEqual(listed), "BackboneCosts should say:\n" + string.Concat(counted.Select(info => FormattableString.Invariant(
            $"        [\"{info.Name}\"] = ({info.Parameters:#,0}, {info.MultiplyAdds:#,0}, {info.Features}),\n"))));
        CollectionAssert.AllItemsAreUnique(listed.Select(info => info.Name).ToArray());
    }

    private static BackboneNetwork WithoutMemory(string name)
    {
        _ = Backbone.Micro.Stages; // loads libtorch
        set_default_device(META);
        try
        {
            return Backbone.FromName(name).FromScratch().CreateEmptyNetwork();
        }
        finally
        {
            set_default_device(CPU);
        }
    }

    private static long MultiplyAdds(BackboneNetwork network, int size)
    {
        using var scope = NewDisposeScope();
        using var _ = inference_mode();
        using var counter = new MultiplyAddCounter();
        network.eval();
        network.forward(zeros([1, 3, size, size], device: META));
        return counter.Count;
    }
}
