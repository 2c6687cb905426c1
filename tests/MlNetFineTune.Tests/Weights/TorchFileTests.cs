using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>Files that PyTorch wrote (tools/reference/weight_file_fixtures.py), against what PyTorch reads in them.</summary>
[TestClass]
public sealed class TorchFileTests
{
    [TestMethod]
    [DataRow("plain.pth")]
    [DataRow("plain-legacy.pth")]
    [DataRow("views.pth")]
    [DataRow("views-legacy.pth")]
    [DataRow("checkpoint.pth")]
    [DataRow("checkpoint-legacy.pth")]
    [DataRow("protocol3.pth")]
    [DataRow("protocol4.pth")]
    [DataRow("protocol5.pth")]
    [DataRow("protocol4-legacy.pth")]
    [DataRow("python2-legacy.pth")]
    public void EveryTensorHasTheTypeShapeAndNumbersThatPyTorchReads(string name)
    {
        var expected = Fixture.Read("weight-files.json").GetProperty(name).EnumerateObject()
            .ToDictionary(one => one.Name, one => one.Value);
        using var file = WeightFile.Open(PathOf(name));
        CollectionAssert.AreEquivalent(expected.Keys, file.Entries.Select(entry => entry.Name).ToList());
        foreach (var entry in file.Entries)
        {
            var one = expected[entry.Name];
            var type = one.Text("type") switch { "uint8" => ScalarType.Byte, var text => Enum.Parse<ScalarType>(text, ignoreCase: true) };
            Assert.AreEqual(type, entry.Type, entry.Name);
            CollectionAssert.AreEqual(one.GetProperty("shape").Numbers(), entry.Shape.Select(size => (double)size).ToArray(), entry.Name);

            // Into its own type, into another one, and into a target that is itself a view.
            var values = one.GetProperty("values").Numbers();
            using var scope = NewDisposeScope();
            var same = empty(entry.Shape, entry.Type);
            file.Read(entry, same);
            CollectionAssert.AreEqual(values, same.Values(), entry.Name);
            var doubles = zeros(entry.Shape.Reverse().ToArray(), ScalarType.Float64);
            file.Read(entry, doubles.permute([.. Enumerable.Range(0, entry.Shape.Length).Reverse().Select(d => (long)d)]));
            CollectionAssert.AreEqual(values, doubles.permute([.. Enumerable.Range(0, entry.Shape.Length).Reverse().Select(d => (long)d)])
                .Values(), entry.Name);
        }
    }

    [TestMethod]
    public void WhatACheckpointHoldsBesideItsWeightsIsNamedAndNeverMade()
    {
        foreach (var name in new[] { "checkpoint.pth", "checkpoint-legacy.pth", "protocol4.pth" })
        {
            using var file = WeightFile.Open(PathOf(name));
            var notes = string.Join("\n", file.Notes);
            StringAssert.Contains(notes, "The weights were found under 'state_dict'.");
            StringAssert.Matches(notes, new(@"an object of 'argparse\.Namespace' \(byte \d+\): it was neither made nor called"));
            StringAssert.Contains(notes, "'datetime.datetime'");
            Assert.IsFalse(notes.Contains("numpy", StringComparison.Ordinal), "what is ordinary needs no word: " + notes);
        }
    }

    [TestMethod]
    public void PrefixesAreTakenOffAndItIsSaid()
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(PathOf("checkpoint.pth"));
        var weight = zeros(2, 1, 3, 3);
        var notes = StrictLoader.Load(
            file, [("conv.weight", weight), ("bn.weight", zeros(2))], "net", name => name == "bn.num_batches_tracked");
        CollectionAssert.AreEqual(Enumerable.Range(0, 18).Select(i => (i - 3) * 0.5).ToArray(), weight.Values());
        StringAssert.Contains(string.Join("\n", notes), "The prefix 'module.' was taken off the names of the tensors.");
    }

    [TestMethod]
    [DataRow("whole-module.pth", "holds no dictionary of tensors but torch.nn.modules.linear.Linear at byte")]
    [DataRow("script.pt", "is a TorchScript program")]
    public void WhatIsNotAStateDictionaryIsNamed(string name, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => WeightFile.Open(PathOf(name))).Message, message);

    internal static string PathOf(string name) =>
        Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "weight-files", name);
}
