using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>
/// Checkpoints of PyTorch with tensors beside the weights (tools/reference/checkpoint_fixtures.py): the weights are found, and nothing
/// else is taken for them.
/// </summary>
[TestClass]
public sealed class CheckpointTests
{
    public static IEnumerable<object[]> Names => Fixture.Read("checkpoints.json").EnumerateObject()
        .Select(one => new object[] { one.Name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void TheWeightsAreFoundAmongTheTensorsBesideThem(string name)
    {
        var expected = Fixture.Read("checkpoints.json").GetProperty(name);
        var tensors = expected.GetProperty("tensors").EnumerateObject().ToDictionary(one => one.Name, one => one.Value);
        using var file = WeightFile.Open(PathOf(name));
        CollectionAssert.AreEquivalent(tensors.Keys, file.Entries.Select(entry => entry.Name).ToList());
        using var scope = NewDisposeScope();
        foreach (var entry in file.Entries)
        {
            var read = empty(entry.Shape, ScalarType.Float64);
            file.Read(entry, read);
            CollectionAssert.AreEqual(tensors[entry.Name].GetProperty("values").Numbers(), read.Values(), entry.Name);
        }
        var path = expected.Text("path");
        if (path.Length > 0)
            StringAssert.Contains(string.Join("\n", file.Notes),
                $"The weights were found under '{path.Replace(" / ", "' / '", StringComparison.Ordinal)}'.");
    }

    [TestMethod]
    public void WhatLiesBesideIsNamed()
    {
        using var file = WeightFile.Open(PathOf("unknown-name"));
        StringAssert.Contains(string.Join("\n", file.Notes),
            "Beside the weights 2 tensors are no part of them and were left out: loss, confusion.");
    }

    private static string PathOf(string name) =>
        Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "checkpoints", name + ".pth");
}
