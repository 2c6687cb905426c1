using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>ONNX files and chains of ML.NET's transformers for binary, regression and ordinal models.</summary>
[TestClass]
public sealed class TaskOutputsTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("binary", "logit probability")]
    [DataRow("regression", "score")]
    [DataRow("bounded", "score")]
    [DataRow("ordinal", "logits probabilities")]
    public void TheFileGivesWhatTheModelGives(string name, string outputs)
    {
        using var model = ScalarModels.Load(_ml, name);
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));

        using var session = new InferenceSession(folder.File("model.onnx"));
        CollectionAssert.AreEqual(outputs.Split(' '), session.OutputMetadata.Keys.Order(StringComparer.Ordinal).ToArray());
        var pixels = new DenseTensor<float>([3, 3, 48, 48]);
        var bytes = new byte[pixels.Length];
        new Random(1).NextBytes(bytes);
        for (var i = 0; i < bytes.Length; i++)
            pixels[i / 3 / 48 / 48, i % 3, i / 3 / 48 % 48, i / 3 % 48] = bytes[i]; // [N, H, W, C] -> [N, C, H, W]
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("pixels", pixels)]);

        float[] raw = [], scores = [];
        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var inference = inference_mode();
            using var collator = ((ImageNetwork)network).CreateCollator();
            var given = network.ForwardRest(collator.Collate(bytes, 3), first: 0);
            (raw, scores) = ([.. given.data<float>()], [.. model.Task.Scoring.ScoresOf(given).data<float>()]);
        });
        var last = outputs.Split(' ')[^1];
        float[] expected = name == "binary" ? [.. scores.Select(score => 1 / (1 + MathF.Exp(-score)))] : scores;
        var unit = last == "score" ? 1000 : 1;
        AssertClose(expected, last, 1e-5 * unit);
        if (last != "score")
            AssertClose(raw, outputs.Split(' ')[0], 1e-4);
        var metadata = session.ModelMetadata.CustomMetadataMap;
        Assert.AreEqual(name == "binary", metadata.ContainsKey("threshold"));
        Assert.AreEqual(last != "score", metadata.ContainsKey("classes"));

        void AssertClose(float[] wanted, string output, double tolerance)
        {
            float[] actual = [.. results.Single(result => result.Name == output).AsEnumerable<float>()];
            Assert.HasCount(wanted.Length, actual);
            for (var i = 0; i < wanted.Length; i++)
                Assert.AreEqual(wanted[i], actual[i], tolerance * Math.Max(1, Math.Abs(wanted[i]) / unit), $"{output} {i}");
        }
    }

    [TestMethod]
    [DataRow("binary")]
    [DataRow("regression")]
    [DataRow("ordinal")]
    public void AChainOfMlNetsTransformersScoresAsTheModelAndIsSavedAndJudged(string name)
    {
        using var model = ScalarModels.Load(_ml, name);
        var photos = MarkedPhoto.View(_ml, MarkedPhoto.Take(6, skip: 20));
        using var folder = new Folder();
        using (var made = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, photos.Schema))
            _ml.Model.Save((ITransformer)made, photos.Schema, folder.File("chain.zip"));
        using var chain = (IDisposable)_ml.Model.Load(folder.File("chain.zip"), out _);
        var (expected, scored) = (model.Transform(photos), ((ITransformer)chain).Transform(photos));

        switch (name)
        {
            case "binary":
                AssertClose("Score", 1e-3);
                AssertClose("Probability", 1e-4);
                CollectionAssert.AreEqual(expected.GetColumn<bool>("PredictedLabel").ToArray(),
                    scored.GetColumn<bool>("PredictedLabel").ToArray());
                Assert.AreEqual(
                    _ml.FineTuning.EvaluateBinary(expected, "Yes").F1Score, _ml.FineTuning.EvaluateBinary(scored, "Yes").F1Score, 1e-9);
                break;
            case "regression":
                AssertClose("Score", 0.5);
                Assert.AreEqual(
                    _ml.Regression.Evaluate(expected, "Number").RSquared, _ml.Regression.Evaluate(scored, "Number").RSquared, 1e-3);
                break;
            default:
                SmallTraining.AssertClose(SmallTraining.Scores(expected), SmallTraining.Scores(scored), 1e-4f);
                Assert.AreEqual(_ml.FineTuning.EvaluateOrdinal(expected, "Grade"), _ml.FineTuning.EvaluateOrdinal(scored, "Grade"));
                break;
        }
        Assert.IsFalse(scored.Schema.Any(column => !column.IsHidden && column.Name is "logit" or "logits" or "score" or "pixels"));

        void AssertClose(string column, double tolerance)
        {
            foreach (var (one, other) in expected.GetColumn<float>(column).Zip(scored.GetColumn<float>(column)))
                Assert.AreEqual(one, other, tolerance, column);
        }
    }

    [TestMethod]
    public void ColumnsOfAYesOrNoHaveTheModelsNamesWhateverTheDataHave()
    {
        var options = ScalarModels.Options(LearningTask.Binary()) with
        {
            Epochs = 1,
            ScoreColumnName = "Evidence",
            ProbabilityColumnName = "Chance",
            PredictedLabelColumnName = "Score",
        };
        var photos = MarkedPhoto.View(_ml, MarkedPhoto.Take(4));
        var data = _ml.Transforms.CopyColumns("Probability", "Number").Append(_ml.Transforms.CopyColumns("logit", "Number"))
            .Append(_ml.Transforms.CopyColumns("pixels", "ImagePath")).Fit(photos).Transform(photos);
        using var model = ScalarModels.Trainer(_ml, options).Fit(photos);
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, data.Schema);
        var (expected, scored) = (model.Transform(data), ((ITransformer)chain).Transform(data));

        foreach (var column in (string[])["Evidence", "Chance"])
        {
            SmallTraining.AssertClose(
                [[.. expected.GetColumn<float>(column)]], [[.. scored.GetColumn<float>(column)]], 1e-3f);
        }
        CollectionAssert.AreEqual(expected.GetColumn<bool>("Score").ToArray(), scored.GetColumn<bool>("Score").ToArray());
        CollectionAssert.AreEquivalent(Visible(expected), Visible(scored));
        CollectionAssert.AreEqual(data.GetColumn<float>("Probability").ToArray(), scored.GetColumn<float>("Probability").ToArray());
        CollectionAssert.AreEqual(data.GetColumn<float>("logit").ToArray(), scored.GetColumn<float>("logit").ToArray());
        CollectionAssert.AreEqual(data.GetColumn<string>("pixels").ToArray(), scored.GetColumn<string>("pixels").ToArray());

        static string[] Visible(IDataView view) => [.. view.Schema.Where(column => !column.IsHidden).Select(column => column.Name)];
    }
}
