using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Text networks as ONNX files: every form, pooling and task, against the model's own scores.</summary>
[TestClass]
public sealed class TextExportTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("bert", TextBackbone.TokenPooling.Mean, false)]
    [DataRow("bert", TextBackbone.TokenPooling.Mean, true)]
    [DataRow("bert", TextBackbone.TokenPooling.ClassToken, true)]
    [DataRow("bert", TextBackbone.TokenPooling.Pooler, false)]
    [DataRow("roberta", TextBackbone.TokenPooling.Mean, true)]
    [DataRow("roberta", TextBackbone.TokenPooling.Pooler, false)]
    [DataRow("distilbert", TextBackbone.TokenPooling.Mean, true)]
    [DataRow("distilbert", TextBackbone.TokenPooling.ClassToken, false)]
    [DataRow("mpnet", TextBackbone.TokenPooling.Mean, true)]
    [DataRow("mpnet", TextBackbone.TokenPooling.Pooler, false)]
    [DataRow("modernbert", TextBackbone.TokenPooling.Mean, true)]
    [DataRow("modernbert", TextBackbone.TokenPooling.ClassToken, false)]
    public void EveryFormGivesTheScoresOfTheModelWhateverThePadding(string kind, TextBackbone.TokenPooling pooling, bool isPair)
    {
        var options = ExportedText.OfClasses with
        {
            Backbone = TextBackbone.FromFolder(Folders.Of(kind)) with { Pooling = pooling },
            SecondTextColumnName = isPair ? nameof(TextRow.Second) : null,
            MaximumLength = 20,
        };
        using var model = ExportedText.Fit(_ml, options);
        var rows = ExportedText.Rows();
        var expected = SmallTraining.Scores(model.Transform(SmallTexts.View(_ml, rows)));
        Assert.IsGreaterThan(
            0.01f, expected.Max(row => row[0]) - expected.Min(row => row[0]), "a network that says nothing proves nothing");
        using var file = new ExportedFile(_ml, model);
        var hasTypes = kind is "bert" or "roberta";
        CollectionAssert.AreEqual(
            hasTypes ? new[] { "input_ids", "attention_mask", "token_type_ids" } : ["input_ids", "attention_mask"], file.Inputs);

        AssertClose([.. expected.SelectMany(row => row)], Probabilities(rows));
        for (var i = 0; i < rows.Length; i++)
            AssertClose(expected[i], Probabilities([rows[i]]));

        float[] Probabilities(TextRow[] rows) =>
            file.Run(ExportedText.Inputs(_ml, model, SmallTexts.View(_ml, rows), hasTypes))["probabilities"];
    }

    [TestMethod]
    public void ANetworkOfOneSegmentNeedsNoTypes()
    {
        var folder = SmallTexts.CreateFolder("roberta");
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"type_vocab_size\": 2", "\"type_vocab_size\": 1"));
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses with { Backbone = TextBackbone.FromScratch(folder) });
        using var file = new ExportedFile(_ml, model);
        var view = SmallTexts.View(_ml, ExportedText.Rows());
        CollectionAssert.AreEqual(new[] { "input_ids", "attention_mask" }, file.Inputs);
        AssertClose(
            [.. SmallTraining.Scores(model.Transform(view)).SelectMany(row => row)],
            file.Run(ExportedText.Inputs(_ml, model, view, hasTypes: false))["probabilities"]);
    }

    [TestMethod]
    public void EachHeadHasTheOutputsOfItsTask()
    {
        using var model = SeveralTexts.Fit(_ml);
        var data = SeveralTexts.View(_ml, SeveralTexts.Take(20, seed: 3));
        var expected = model.Transform(data);
        using var file = new ExportedFile(_ml, model);
        var actual = file.Run(ExportedText.Inputs(_ml, model, data));

        AssertClose(Vectors("KindScore"), actual["Kind.probabilities"]);
        AssertClose(Vectors("GradeScore"), actual["Grade.probabilities"]);
        AssertClose(Vectors("TagsScore"), actual["Tags.probabilities"]);
        AssertClose([.. expected.GetColumn<float>("NumberScore")], actual["Number.score"]);
        AssertClose([.. expected.GetColumn<float>("IsGoodProbability")], actual["IsGood.probability"]);
        CollectionAssert.AreEqual(new[] { "ends", "long" }, JsonSerializer.Deserialize<string[]>(file.Metadata["Tags.classes"]));

        float[] Vectors(string column) => [.. expected.GetColumn<float[]>(column).SelectMany(row => row)];
    }

    [TestMethod]
    public void AdaptersAreMergedAndSetsAndNoveltyAreInside()
    {
        var options = ExportedText.OfClasses with
        {
            Adapter = Adapter.Lora(rank: 2, targets: ["query", "value"]),
            LearningRate = 5e-2f,
            Validation = ValidationData.Fraction(0.4f),
            Conformal = new ConformalPrediction { Coverage = 0.8f, Novelty = ConformalPrediction.NoveltyScore.NearestNeighbors() },
        };
        using var model = ExportedText.Fit(_ml, options, SmallTexts.View(_ml, SmallTexts.Take(160)));
        var view = SmallTexts.View(_ml, ExportedText.Rows());
        var expected = model.Transform(view);
        using var file = new ExportedFile(_ml, model);
        var actual = file.Run(ExportedText.Inputs(_ml, model, view));
        AssertClose([.. SmallTraining.Scores(expected).SelectMany(row => row)], actual["probabilities"]);
        AssertClose([.. expected.GetColumn<float>("Novelty")], actual["novelty"], 1e-4);
        CollectionAssert.AreEqual(
            expected.GetColumn<bool>("Rejected").ToArray(), actual["rejected"].Select(value => value == 1).ToArray());
    }

    [TestMethod]
    public void SmallerFilesHaveNearlyTheSameScores()
    {
        // Small weights are not rounded.
        var folder = SmallTexts.CreateFolder("bert");
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"hidden_size\": 16", "\"hidden_size\": 64"));
        using var model = ExportedText.Fit(_ml, ExportedText.OfClasses with { Backbone = TextBackbone.FromScratch(folder) });
        var view = SmallTexts.View(_ml, ExportedText.Rows());
        float[] expected = [.. SmallTraining.Scores(model.Transform(view)).SelectMany(row => row)];
        foreach (var (precision, tolerance) in new[] { (OnnxPrecision.Float16, 2e-3), (OnnxPrecision.Int8(view), 0.05) })
        {
            using var file = new ExportedFile(_ml, model, precision);
            var actual = file.Run(ExportedText.Inputs(_ml, model, view))["probabilities"];
            AssertClose(expected, actual, tolerance);
            Assert.AreNotEqual(expected[0], actual[0], "nothing was rounded");
            using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema, precision: precision);
            AssertClose(
                actual, [.. SmallTraining.Scores(((ITransformer)chain).Transform(view)).SelectMany(row => row)],
                precision == OnnxPrecision.Float16 ? 1e-5 : tolerance);
        }
    }

    [TestMethod]
    public void TheFileSaysHowTextsBecomeTokens()
    {
        var options = ExportedText.OfClasses with { MaximumLength = 12, Truncation = TextTruncation.KeepBoth };
        using var model = ExportedText.Fit(_ml, options);
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));
        using var session = new InferenceSession(folder.File("model.onnx"));
        var metadata = session.ModelMetadata.CustomMetadataMap;
        Assert.AreEqual("12", metadata["maximum_length"]);
        Assert.AreEqual("KeepBoth", metadata["truncation"]);
        var tokenizer = JsonDocument.Parse(metadata["tokenizer"]).RootElement;
        Assert.AreEqual("WordPiece", tokenizer.GetProperty("Kind").GetString());
        Assert.IsTrue(tokenizer.GetProperty("LowerCase").GetBoolean());
        Assert.AreEqual(64, tokenizer.GetProperty("VocabularySha256").GetString()!.Length);
        Assert.IsTrue(metadata.ContainsKey("backbone") && !metadata.ContainsKey("module"));
        CollectionAssert.AreEqual(new[] { "bad", "good" }, JsonSerializer.Deserialize<string[]>(metadata["classes"]));
        StringAssert.Contains(metadata["inputs"], "padded with 0");
        foreach (var input in session.InputMetadata.Values)
        {
            Assert.AreEqual(typeof(long), input.ElementType);
            CollectionAssert.AreEqual(new[] { "batch", "tokens" }, input.SymbolicDimensions);
        }
    }

    [TestMethod]
    public void WordsAreRefusedByName()
    {
        var data = SmallWords.View(_ml, SmallWords.Take(24));
        using var model = _ml.FineTuning.FineTuneText(SmallWords.Options with { Epochs = 1 }).Fit(data);
        foreach (var export in (Action[])[() => _ml.FineTuning.ExportOnnx(model, "no.onnx"),
            () => _ml.FineTuning.ToOnnxPipeline(model, data.Schema)])
        {
            StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(export).Message, "overlapping windows");
        }
    }

    private static void AssertClose(float[] expected, float[] actual, double tolerance = 1e-5)
    {
        Assert.HasCount(expected.Length, actual);
        for (var i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], tolerance * Math.Max(1, Math.Abs(expected[i])), $"number {i}");
    }

    // Written once for all tests.
    private static class Folders
    {
        private static readonly Dictionary<string, Lazy<string>> s_all =
            ((string[])["bert", "roberta", "distilbert", "mpnet", "modernbert"]).ToDictionary(
                kind => kind, kind => new Lazy<string>(() => Create(kind)));

        public static string Of(string kind) => s_all[kind].Value;

        // With weights so large that attention prefers some tokens, and with a pooler, which SmallTexts has not.
        private static string Create(string kind)
        {
            var folder = SmallTexts.CreateFolder(kind);
            var backbone = TextBackbone.FromScratch(folder);
            if (kind is not ("distilbert" or "modernbert"))
                backbone = backbone with { Pooling = TextBackbone.TokenPooling.Pooler };
            using var scope = torch.NewDisposeScope();
            using var encoder = backbone.CreateEncoder(seed: 7);
            SafeTensorsWriter.WriteFile(
                Path.Combine(folder, "model.safetensors"),
                [.. encoder.NamedParameters().Select(named => (named.Name, named.Parameter.ndim == 2
                    ? named.Parameter.detach().mul(8)
                    : named.Parameter.detach()))],
                new Dictionary<string, string>());
            return folder;
        }
    }
}
