using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>A saved model is loaded unchanged, in every context.</summary>
[TestClass]
public sealed class SaveAndLoadTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AChainIsSavedAndLoadedInAFreshContextWithTheSameScores()
    {
        var train = SmallPictures.View(_ml, SmallPictures.Take(6));
        using var chain = Pipeline().Fit(train);
        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(chain, train.Schema, path);

        using var loaded = (TransformerChain<ITransformer>)new MLContext().Model.Load(path, out var schema);

        CollectionAssert.AreEqual(new[] { "Label", "ImagePath" }, schema.Select(column => column.Name).ToArray());
        var test = SmallPictures.View(_ml, SmallPictures.Take(15));
        SmallTraining.AssertSameBits(SmallTraining.Scores(chain.Transform(test)), SmallTraining.Scores(loaded.Transform(test)));
        CollectionAssert.AreEqual(chain.Transform(test).GetColumn<string>("PredictedLabel").ToArray(),
            loaded.Transform(test).GetColumn<string>("PredictedLabel").ToArray());
        Assert.IsNull(loaded.OfType<FineTuningTransformer>().Single().Report);
        Assert.AreEqual(chain.Transform(test).Schema.ToString(), loaded.Transform(test).Schema.ToString());
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessThatKnowsOnlyMlNetLoadsTheModelAndGivesTheSameBits()
    {
        var train = SmallPictures.View(_ml, SmallPictures.Take(6));
        using var chain = Pipeline().Fit(train);
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(chain, train.Schema, zip);
        var test = SmallPictures.Take(4, skip: 10);

        var printed = LoadOnly.Run([zip, .. test.Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(chain.Transform(SmallPictures.View(_ml, test)))
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public void SavingTwiceAndSavingWhatWasLoadedGivesTheSameBytes()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Epochs = 1, Validation = ValidationData.Fraction(0.25f) }, SmallPictures.Take(8));
        var first = SmallTraining.Save(_ml, model);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(first), out _);

        foreach (var other in (byte[][])[SmallTraining.Save(_ml, model), SmallTraining.Save(_ml, loaded)])
        {
            var (expected, actual) = (Zip.Read(first), Zip.Read(other));
            CollectionAssert.AreEqual(expected.Keys.Order().ToArray(), actual.Keys.Order().ToArray());
            foreach (var name in expected.Keys)
                CollectionAssert.AreEqual(expected[name], actual[name], name);
        }
    }

    [TestMethod]
    public void TheManifestSaysHowTheModelCameAbout()
    {
        var options = SmallTraining.Options with
        {
            Epochs = 2,
            Seed = 77,
            Validation = ValidationData.Fraction(0.25f),
            Task = LearningTask.Multiclass(loss: ClassificationLoss.CrossEntropy(smoothing: 0.1f)),
            Optimizer = Optimizer.Sgd(),
            Strategy = Strategy.LastStages(2),
            OnProbeMismatch = ProbeMismatch.Throw,
        };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(8));
        var zip = SmallTraining.Save(_ml, model);
        using var document = JsonDocument.Parse(Zip.Entry(zip, "manifest.json"));
        var root = document.RootElement;

        Assert.AreEqual(2, root.GetProperty("FormatVersion").GetInt32());
        foreach (var package in (string[])["MlNetFineTune", "Microsoft.ML", "TorchSharp", "libtorch"])
            StringAssert.Matches(root.GetProperty("Packages").GetProperty(package).GetString(), new(@"^\d+\.\d+\.\d+"));
        Assert.AreEqual("2.10.0", root.GetProperty("Packages").GetProperty("libtorch").GetString());
        var backbone = root.GetProperty("Encoder");
        Assert.AreEqual("micro", backbone.GetProperty("Name").GetString());
        Assert.AreEqual(32, backbone.GetProperty("Preprocessing").GetProperty("Size").GetInt32());
        Assert.AreEqual(0.5, backbone.GetProperty("Preprocessing").GetProperty("Mean").GetProperty("Green").GetDouble());
        Assert.AreEqual("Bilinear", backbone.GetProperty("Preprocessing").GetProperty("Interpolation").GetString());
        Assert.AreEqual("Symmetric", backbone.GetProperty("Padding").GetString());
        Assert.AreEqual("ImagePath", root.GetProperty("Input").GetProperty("Column").GetString());
        CollectionAssert.AreEqual(SmallPictures.Classes, root.GetProperty("Task").GetProperty("Classes").EnumerateArray()
            .Select(name => name.GetString()).ToArray());
        var said = root.GetProperty("Options").EnumerateObject().ToDictionary(option => option.Name, option => option.Value.GetString());
        Assert.AreEqual("LastStages(2, layerDecay: 0.7)", said["Strategy"]);
        Assert.AreEqual("2", said["Epochs"]);
        Assert.AreEqual("8", said["BatchSize"]);
        Assert.AreEqual("0.003", said["LearningRate"]);
        Assert.AreEqual("Multiclass(loss: CrossEntropy(smoothing: 0.1), classWeights: None, calibration: None)", said["Task"]);
        Assert.AreEqual("Fraction(0.25)", said["Validation"]);
        StringAssert.StartsWith(said["Optimizer"], "Sgd(");
        Assert.AreEqual(77, root.GetProperty("Seed").GetInt64());
        Assert.AreEqual(torch.get_num_threads(), root.GetProperty("Threads").GetInt32());
        Assert.AreEqual(Convert.ToHexStringLower(SHA256.HashData(Zip.Entry(zip, "weights.safetensors"))),
            root.GetProperty("WeightsSha256").GetString());
        var best = model.Report!.Epochs[model.Report.BestEpoch - 1];
        Assert.AreEqual(best.ValidationAccuracy, root.GetProperty("Training").GetProperty("ValidationMetrics").GetProperty("Accuracy")
            .GetDouble());
        Assert.AreEqual(best.ValidationLoss, root.GetProperty("Training").GetProperty("ValidationLoss").GetDouble());
        Assert.AreEqual(model.Report.BestEpoch, root.GetProperty("Training").GetProperty("BestEpoch").GetInt32());
        Assert.AreEqual(18, root.GetProperty("Training").GetProperty("Rows").GetInt32());
        Assert.AreEqual(6, root.GetProperty("Training").GetProperty("ValidationRows").GetInt32());
        Assert.AreEqual("Throw", root.GetProperty("OnProbeMismatch").GetString());
        Assert.AreEqual(1, root.GetProperty("ProbeScores").EnumerateArray().Sum(score => score.GetDouble()), 1e-5);
    }

    [TestMethod]
    public void TheFirstFormatVersionStillLoadsAndScoresAsItDid()
    {
        // Fixtures/README.md says how these files were made. They are never made again.
        var folder = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures");
        var expected = JsonSerializer.Deserialize<float[]>(File.ReadAllText(Path.Combine(folder, "model-v1.scores.json")))!;

        using var model = (FineTuningTransformer)_ml.Model.Load(Path.Combine(folder, "model-v1.zip"), out _);
        var scored = model.Transform(SmallPictures.View(_ml, [new Photo { ImagePath = Path.Combine(folder, "model-v1.png") }]));

        SmallTraining.AssertClose([expected], SmallTraining.Scores(scored), 1e-3f);
        CollectionAssert.AreEqual(SmallPictures.Classes, model.Classes.ToArray());
    }

    [TestMethod]
    public void SavedWeightsAreABackboneForTheNextTraining()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var path = Path.Combine(SmallPictures.NewFolder(), "mine.safetensors");
        model.SaveWeights(path);

        var backbone = Backbone.Micro.WithWeights(path);
        Assert.AreEqual(SmallTraining.Backbone.Preprocessing, backbone.Preprocessing);
        using var next = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Backbone = backbone, Strategy = Strategy.HeadOnly, Epochs = 6, LearningRate = 0.02f },
            SmallPictures.Take(4));

        Assert.IsGreaterThan(0.8, _ml.MulticlassClassification.Evaluate(
            next.Transform(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20))))).MicroAccuracy);
        Assert.HasCount(1, Directory.GetFiles(Path.GetDirectoryName(path)!), "Something was left beside the weights.");
        model.SaveWeights(path);
        Assert.AreEqual("mine.safetensors",
            JsonDocument.Parse(Zip.Entry(SmallTraining.Save(_ml, next), "manifest.json")).RootElement.GetProperty("Encoder")
            .GetProperty("SourceWeights").GetString());
    }

    private EstimatorChain<Microsoft.ML.Transforms.KeyToValueMappingTransformer> Pipeline() =>
        _ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options))
        .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
}
