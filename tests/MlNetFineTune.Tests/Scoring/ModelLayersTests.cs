using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>A model says which of its layers trained, and how fast: when it is fitted, in its report, and when it was loaded.</summary>
[TestClass]
public sealed class ModelLayersTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void FrozenAndTrainedLayersAreThoseThatDescribeSaysBefore()
    {
        var options = SmallTraining.Options with { Strategy = Strategy.LastStages(2, layerDecay: 0.5f), LearningRate = 0.01f, Epochs = 1 };
        using var model = Fit(options);

        CollectionAssert.AreEqual(new[] { "stem", "layer1", "layer2", "layer3", "head" }, Names(model));
        CollectionAssert.AreEqual(new bool?[] { true, true, false, false, false }, model.Layers.Select(layer => layer.IsFrozen).ToArray());
        CollectionAssert.AreEqual(new[] { 0.0025f, 0.005f, 0.01f }, model.Layers.Skip(2).Select(layer => layer.LearningRates.Single())
            .ToArray());
        Assert.AreEqual(model.Report!.TrainedParameters, model.Layers.Sum(layer => layer.TrainedParameters));
        Assert.AreEqual(model.Report.TrainedParameters + model.Report.FrozenParameters, model.Layers.Sum(layer => layer.Parameters));
        CollectionAssert.AreEqual(model.Report.Layers.ToArray(), model.Layers.ToArray());
        foreach (var layer in model.Layers)
        {
            var line = options.Describe(outputs: 3).Split('\n').Single(one => one.StartsWith($"  {layer.Name} ", StringComparison.Ordinal));
            StringAssert.Contains(line, layer.IsFrozen == true ? "frozen" : $"{layer.TrainedParameters:N0} at learning rate {layer.Rates}");
        }
    }

    [TestMethod]
    public void PhasesNormsAndAdaptersCountWhatTrainedInAnyOfThem()
    {
        using (var model = Fit(SmallTraining.Options with { Strategy = Strategy.NormAndBias, Epochs = 1 }))
        {
            Assert.IsTrue(model.Layers.SkipLast(1).All(layer => layer.IsFrozen == false && layer.TrainedParameters < layer.Parameters));
            StringAssert.Contains($"{model.Layers[1]}", "of them trained at ");
        }
        using (var model = Fit(SmallTraining.Options with { Strategy = Strategy.ProbeThenFull(), Epochs = 3 }))
            Assert.IsTrue(model.Layers.All(layer => layer.IsFrozen == false));
        using (var model = Fit(SmallTraining.Options with { Adapter = Adapter.Lora(2), Strategy = Strategy.LastStages(1), Epochs = 1 }))
        {
            Assert.AreEqual(model.Report!.TrainedParameters, model.Layers.Sum(layer => layer.TrainedParameters));
            Assert.IsTrue(model.Layers[3].TrainedParameters > 0 && model.Layers[3].TrainedParameters < model.Layers[3].Parameters);
        }
    }

    [TestMethod]
    public void AModelThatWasLoadedKnowsThem()
    {
        using var model = Fit(SmallTraining.Options with { Strategy = Strategy.HeadOnly, Epochs = 1 });
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        CollectionAssert.AreEqual(model.Layers.Select(Text).ToArray(), loaded.Layers.Select(Text).ToArray());
        Assert.AreEqual("head", loaded.Layers.Single(layer => layer.IsFrozen == false).Name);

        static string Text(ModelLayer layer) => $"{layer}";
    }

    [TestMethod]
    public void AFileOfAnEarlierVersionSaysNamesAndSizesAlone()
    {
        var folder = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures");
        using var first = (FineTuningTransformer)_ml.Model.Load(Path.Combine(folder, "model-v1.zip"), out _);
        var second = Zip.With(SmallTraining.ModelZip, "manifest.json", bytes =>
        {
            var manifest = System.Text.Json.Nodes.JsonNode.Parse(bytes)!;
            manifest["Training"]!.AsObject().Remove("Layers");
            return System.Text.Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        using var earlier = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(second), out _);

        foreach (var model in (FineTuningTransformer[])[first, earlier])
        {
            CollectionAssert.AreEqual(new[] { "stem", "layer1", "layer2", "layer3", "head" }, Names(model));
            Assert.IsTrue(model.Layers.All(layer => layer is { IsFrozen: null, TrainedParameters: null, Parameters: > 0 }));
            StringAssert.EndsWith($"{model.Layers[0]}", "not known whether it trained");
        }
        var hostile = Zip.With(SmallTraining.ModelZip, "manifest.json", bytes =>
        {
            var manifest = System.Text.Json.Nodes.JsonNode.Parse(bytes)!;
            manifest["Training"]!["Layers"]!.AsArray().Add(null);
            return System.Text.Encoding.UTF8.GetBytes(manifest.ToJsonString());
        });
        StringAssert.Contains(
            Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(hostile), out _)).GetBaseException().Message,
            "a layer that is null");
    }

    [TestMethod]
    public void TheReportPageShowsThem()
    {
        using var folder = new Folder();
        using var model = Fit(SmallTraining.Options with
        {
            Strategy = Strategy.LastStages(1),
            Epochs = 1,
            RunFolder = folder.File("run"),
        });

        var page = File.ReadAllText(folder.File("run/report.html"));

        StringAssert.Contains(page, "<h2>Layers</h2>");
        foreach (var layer in model.Layers)
            StringAssert.Contains(page, $"<td><bdi>{layer.Name}</bdi></td><td class=\"number\">{layer.Parameters:N0}</td>");
        StringAssert.Contains(page, "<td class=\"number\">frozen</td>");
    }

    private FineTuningTransformer Fit(ImageFineTuningOptions options) => SmallTraining.Fit(_ml, options, SmallPictures.Take(3));

    private static string[] Names(FineTuningTransformer model) => [.. model.Layers.Select(layer => layer.Name)];
}
