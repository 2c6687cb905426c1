using System.Text.Json;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>Whole networks from files of every form.</summary>
[TestClass]
public sealed class BackboneFilesTests
{
    private static readonly Dictionary<string, string> s_recipe = new() { ["mean"] = "0.25,0.5,0.125", ["input_size"] = "64" };

    [TestMethod]
    public void ANetworkIsTheSameFromEveryForm()
    {
        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        using var folder = new Folder();
        var whole = folder.File("whole.safetensors");
        WeightFileWriter.Write(whole, classifier.NamedTensors(), s_recipe);
        var state = folder.File("state.pth");
        WeightFileWriter.Write(state, classifier.NamedTensors(), s_recipe);
        var own = folder.File("own.dat");
        classifier.Backbone.save(own);
        var index = Shards(folder, classifier);

        foreach (var path in new[] { whole, state, own, index })
        {
            var backbone = Backbone.Micro.WithWeights(path);
            if (path != own)
                Assert.AreEqual((new ColorTriple(0.25f, 0.5f, 0.125f), 64),
                    (backbone.Preprocessing.Mean, backbone.Preprocessing.Size), path);
            using var network = backbone.CreateNetwork(seed: 0);
            foreach (var (expected, read) in classifier.Backbone.NamedTensors().Zip(network.NamedTensors()))
                CollectionAssert.AreEqual(expected.Tensor.Values(), read.Tensor.Values(), $"{path}: {expected.Name}");
        }
    }

    [TestMethod]
    public void TheSameTensorsGiveTheSameBytes()
    {
        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        using var folder = new Folder();
        var (first, second) = (folder.File("a.pth"), folder.File("b.pth"));
        WeightFileWriter.Write(first, classifier.NamedTensors(), s_recipe);
        WeightFileWriter.Write(second, classifier.NamedTensors(), s_recipe);
        CollectionAssert.AreEqual(File.ReadAllBytes(first), File.ReadAllBytes(second));
        Assert.ThrowsExactly<ArgumentException>(() => WeightFileWriter.Write(folder.File("c.zip"), classifier.NamedTensors(), s_recipe));
    }

    [TestMethod]
    public void AnIndexThatLiesOrPointsElsewhereIsRefused()
    {
        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        using var folder = new Folder();
        var index = Shards(folder, classifier);
        var text = File.ReadAllText(index);
        Check(text.Replace("b.safetensors", "../b.safetensors"), "expected the name of a file beside it");
        var first = classifier.NamedTensors()[0].Name;
        Check(text.Replace($"\"{first}\":\"a.", $"\"{first}\":\"b."),
            $"'a.safetensors' has tensor '{first}', which the index does not give to it");
        Check(text.Replace("{\"weight_map\":{", "{\"weight_map\":{\"more\":\"a.safetensors\","), "has no tensor 'more'");
        Check("{\"weight_map\":{}}", "names 0 files");
        Check("{}", "has no weight_map");
        Check("{\"weight_map\":{\"a\":1}}", "not JSON as expected");
        File.WriteAllText(index, text.Replace("b.safetensors", "c.safetensors"));
        Assert.ThrowsExactly<FileNotFoundException>(() => Backbone.Micro.WithWeights(index));

        void Check(string content, string message)
        {
            File.WriteAllText(index, content);
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Backbone.Micro.WithWeights(index)).Message, message);
        }
    }

    [TestMethod]
    public void WrappersAndOtherLibrariesNamesAreFound()
    {
        using var scope = NewDisposeScope();
        var (weight, other) = (ones(2), ones(3));
        using var folder = new Folder();
        var path = folder.File("w.safetensors");
        NameMap map = new("another library", name => name == "stem.w" ? "conv1.weight" : name);

        SafeTensorsWriter.WriteFile(path,
            [("module.backbone.stem.w", weight), ("module.backbone.fc.weight", other), ("module.neck.weight", other)], s_recipe);
        using (var file = WeightFile.Open(path))
        {
            var read = zeros(2);
            var notes = string.Join("\n", StrictLoader.Load(file, [("conv1.weight", read)], "net", name => name == "fc.weight", [map]));
            CollectionAssert.AreEqual(new double[] { 1, 1 }, read.Values());
            StringAssert.Contains(notes, "The prefix 'module.backbone.' was taken off");
            StringAssert.Contains(notes, "are another library's and were translated to those of net");
            StringAssert.Contains(notes, "1 tensors without the prefix belong to other parts of a larger model and were left out: "
                + "module.neck.weight.");
        }

        // The network's own names win a draw, and two of the file's for one of the network's are an error.
        SafeTensorsWriter.WriteFile(path, [("conv1.weight", weight), ("stem.w", weight)], s_recipe);
        using (var file = WeightFile.Open(path))
        {
            Assert.IsNull(FileNaming.Choose([file.Entries[0]], name => name == "conv1.weight", [map]).Map);
            StringAssert.Contains(
                Assert.ThrowsExactly<InvalidDataException>(
                    () => StrictLoader.Load(file, [("conv1.weight", zeros(2))], "net", _ => false, [map])).Message,
                "Named twice (1): conv1.weight by conv1.weight and stem.w.");
        }
    }

    [TestMethod]
    public void TheReportSaysWhichNetworkTheFileIsOfAndCutsLongLists()
    {
        using var resnet = Formula.Classifier("resnet18", 1, "symmetric", 1e-5);
        using var folder = new Folder();
        var path = folder.File("w.pth");
        WeightFileWriter.Write(path, [.. resnet.NamedTensors().Select(one => ("module." + one.Name, one.Tensor))], s_recipe);
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.MobileNetV2.WithWeights(path).CreateNetwork(0)).Message;
        StringAssert.Contains(failure,
            "These are the weights of resnet18: choose Backbone.FromName(\"resnet18\"), or the weights of mobilenetv2_100.");
        // Of MobileNetV2's 52 convolutions with 5 tensors each, the four of bn1 exist in the file, smaller.
        StringAssert.Matches(failure, new(@"Missing in the file \(256\): .*; and 236 more\."));
        StringAssert.Contains(failure, "Of another shape (4): module.bn1.weight [64], expected [32];");

        WeightFileWriter.Write(path, [.. resnet.NamedTensors().Skip(3)], s_recipe);
        failure = Assert.ThrowsExactly<InvalidDataException>(() => Backbone.MobileNetV2.WithWeights(path).CreateNetwork(0)).Message;
        StringAssert.Matches(failure, new(@"The file looks like resnet18 \(it has 97 % of its tensors\), but is not quite it\."));
    }

    [TestMethod]
    [DataRow("resnet20-12fca82f.th", 20)]
    [DataRow("resnet56-4bfd9763.th", 56)]
    [TestCategory(Categories.Weights)]
    public void TheOldFilesOfTheCifarNetworksOpen(string name, int layers)
    {
        using var file = WeightFile.Open(SharedData.RequireOrSkip($"weights/{name}"));
        StringAssert.Contains(string.Join("\n", file.Notes), "found under 'state_dict'");
        Assert.AreEqual(layers - 1, file.Entries.Count(entry => entry.Shape.Length == 4), "convolutions");
        using var scope = NewDisposeScope();
        var first = zeros(16, 3, 3, 3);
        file.Read(file.Entries.Single(entry => entry.Name == "module.conv1.weight"), first);
        Assert.IsTrue(first.abs().max().item<float>() is > 0.1f and < 10);
    }

    [TestMethod]
    [DataRow("w.safetensors")]
    [DataRow("w.pth")]
    public void PythonReadsWhatWeSaveWithTheSameNumbers(string name)
    {
        using var classifier = Formula.Classifier("micro", 1, "symmetric", 1e-5);
        using var folder = new Folder();
        var path = folder.File(name);
        WeightFileWriter.Write(path, classifier.NamedTensors(), s_recipe);
        var read = Python.RunOrSkip("read_weights.py", path);
        var tensors = read.GetProperty("tensors").EnumerateObject().ToDictionary(one => one.Name, one => one.Value);
        CollectionAssert.AreEquivalent(classifier.NamedTensors().Select(one => one.Name).ToList(), tensors.Keys);
        foreach (var (tensorName, tensor) in classifier.NamedTensors())
        {
            CollectionAssert.AreEqual(tensor.shape.Select(size => (double)size).ToArray(),
                tensors[tensorName].GetProperty("shape").Numbers(), tensorName);
            CollectionAssert.AreEqual(tensor.Values(), tensors[tensorName].GetProperty("values").Numbers(), tensorName);
        }
        Assert.AreEqual("64", read.GetProperty("metadata").GetProperty("input_size").GetString());
    }

    private static string Shards(Folder folder, ImageNetwork classifier)
    {
        var tensors = classifier.NamedTensors();
        SafeTensorsWriter.WriteFile(folder.File("a.safetensors"), [.. tensors.Take(7)], s_recipe);
        SafeTensorsWriter.WriteFile(folder.File("b.safetensors"), [.. tensors.Skip(7)], s_recipe);
        var map = tensors.Select((one, i) => (one.Name, File: i < 7 ? "a.safetensors" : "b.safetensors"))
            .ToDictionary(one => one.Name, one => one.File);
        var index = folder.File("model.safetensors.index.json");
        File.WriteAllText(index, JsonSerializer.Serialize(new { weight_map = map }));
        return index;
    }
}
