using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Modules;

/// <summary>The file of a trained module: its content, and errors for changed content.</summary>
[TestClass]
public sealed class ModuleFileTests
{
    private readonly MLContext _ml = new(seed: 1);

    public ModuleFileTests() => _ml.ComponentCatalog.RegisterAssembly(typeof(TwoLayersFactory).Assembly);

    [TestMethod]
    public void SettingsComeBackAndTheManifestNamesThem()
    {
        var zip = Train(new TwoLayersFactory { Hidden = 5 });

        var manifest = JsonNode.Parse(Zip.Entry(zip, "manifest.json"))!;

        Assert.AreEqual(5, manifest["Encoder"]!["Contract"]!["Settings"]!["Hidden"]!.GetValue<int>());
        Assert.AreEqual("two layers", manifest["Encoder"]!["Contract"]!["Name"]!.GetValue<string>());
        Assert.AreEqual("Multiclass", manifest["Task"]!["Kind"]!.GetValue<string>());
        using var loaded = Load(zip);
        loaded.Scorer.Read(network => CollectionAssert.AreEqual(new long[] { 5, 6 }, network.NamedTensors()[0].Tensor.shape));
        var again = Zip.Read(SmallTraining.Save(_ml, loaded));
        foreach (var (name, bytes) in Zip.Read(zip))
            CollectionAssert.AreEqual(bytes, again[name], name);
    }

    [TestMethod]
    public void OtherSettingsInTheFileDoNotFitItsWeights()
    {
        var error = LoadFails(Change(manifest => manifest["Encoder"]!["Contract"]!["Settings"]!["Hidden"] = 9));
        StringAssert.Contains(error, "first.weight [8, 6], expected [9, 6]");
    }

    // Fixtures/README.md says how these files were made. They are never made again.
    [TestMethod]
    [DataRow("module-v1-multiclass")]
    [DataRow("module-v1-binary")]
    [DataRow("module-v1-regression")]
    public void ModulesOfTheFirstFormatVersionStillScoreAsTheyDid(string name)
    {
        var folder = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures");
        var expected = JsonSerializer.Deserialize<float[]>(File.ReadAllText(Path.Combine(folder, name + ".scores.json")))!;

        using var model = Load(File.ReadAllBytes(Path.Combine(folder, name + ".zip")));
        var scored = model.Transform(SmallModules.View(_ml, TableRow.Many(4, seed: 2)));
        var scores = name.EndsWith("multiclass", StringComparison.Ordinal)
            ? scored.GetColumn<float[]>("Score").SelectMany(row => row)
            : scored.GetColumn<float>(name.EndsWith("binary", StringComparison.Ordinal) ? "Probability" : "Score");

        SmallTraining.AssertClose([expected], [scores.ToArray()], 1e-4f);
        Assert.AreEqual(name.EndsWith("multiclass", StringComparison.Ordinal), model.Calibration is not null);
    }

    [TestMethod]
    public void AManifestThatMakesNoSenseIsRefused()
    {
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Task"]!["Kind"] = "Clustering")), "Clustering");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Task"]!["Kind"] = "Regression")), "with classes");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Input"]!["Parts"]![0]!["Dimensions"] = new JsonArray(-6))),
            "no input Features of [-6]");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Input"]!["Parts"] = new JsonArray((JsonNode?)null))), "no inputs");
        StringAssert.Contains(
            LoadFails(Change(manifest => manifest["Input"]!["Parts"]![0]!["Dimensions"] = new JsonArray(1L << 40, 1L << 40))),
            "no input Features");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Input"]!["Parts"] = new JsonArray())), "no inputs");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Encoder"]!["Contract"]!["Name"] = "unheard of")),
            "'unheard of', which is not registered");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["FormatVersion"] = 3)), "Update the package MlNetFineTune");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Task"]!.AsObject().Remove("Kind"))), "manifest.json cannot be read");
        StringAssert.Contains(
            LoadFails(Change(manifest => manifest["Input"]!["Parts"]![0]!["KeyCount"] = int.MaxValue)), "no input Features");
        StringAssert.Contains(LoadFails(Change(manifest => manifest["Input"]!["Parts"]![0] = JsonNode.Parse("""
            { "Kind": "Sequence", "Column": "Features", "Step": [], "MaximumLength": 500000000, "KeyCount": 0 }
            """))), "no sequence of 500000000 numbers");
        StringAssert.Contains(
            LoadFails(Change(manifest => manifest["Input"]!["Parts"]![0] = JsonNode.Parse("""{ "Kind": "Table", "Parts": [] }"""))),
            "such as are none of a module");
    }

    [TestMethod]
    public void AFactoryThatMakesAnotherNetworkOfTheSameWeightsIsFoundOut()
    {
        var log = new LogLines(_ml);
        var zip = Zip.With(Train(new TwoLayersFactory()), "manifest.json", bytes =>
        {
            var manifest = JsonNode.Parse(bytes)!;
            manifest["ProbeScores"] = new JsonArray(1f, 0f, 0f);
            return Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        Load(zip).Dispose();
        StringAssert.Contains(log.Warnings.Single(), "probe row otherwise");
    }

    private byte[] Change(Action<JsonNode> change) => Zip.With(Train(new TwoLayersFactory()), "manifest.json", bytes =>
    {
        var manifest = JsonNode.Parse(bytes)!;
        change(manifest);
        return Encoding.UTF8.GetBytes(manifest.ToJsonString());
    });

    private byte[] Train(ModuleFactory factory)
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(
            SmallModules.Multiclass with { Factory = factory, Epochs = 1 }).Fit(SmallModules.View(_ml, TableRow.Many(30)));
        return SmallTraining.Save(_ml, model);
    }

    private FineTuningTransformer Load(byte[] zip) => (FineTuningTransformer)_ml.Model.Load(new MemoryStream(zip), out _);

    private string LoadFails(byte[] zip)
    {
        var messages = new StringBuilder();
        for (Exception? error = Assert.Throws<Exception>(() => Load(zip).Dispose()); error is not null; error = error.InnerException)
            messages.AppendLine(error.Message);
        return messages.ToString();
    }
}
