using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tests.Networks;
using MlNetFineTune.Tests.Onnx;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Trainers;

/// <summary>Heads with attention pooling, from <c>Fit</c> to files, engines and explanations.</summary>
[TestClass]
public sealed class HeadPoolingTests
{
    private const int Channels = 128; // of micro

    private static readonly ImageFineTuningOptions s_options = SmallTraining.Options with { Pooling = HeadPooling.Attention(4) };

    // At the size of the pictures.
    private static readonly Backbone s_exact =
        SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = 48 } };

    private readonly MLContext _ml = new(seed: 1);

    private IDataView Test => SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(8, skip: 20)));

    [TestMethod]
    public void AModelLearnsAndEveryEngineAgrees()
    {
        using var model = SmallTraining.Fit(_ml, s_options with { Backbone = s_exact, Epochs = 6 }, SmallPictures.Take(16));
        var photos = SmallPictures.Take(2, skip: 20);
        var scores = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, photos)));
        using var file = new ExportedFile(_ml, model);

        Assert.IsGreaterThan(0.85, _ml.MulticlassClassification.Evaluate(model.Transform(Test)).MicroAccuracy);
        AssertQuery(model, query => Assert.IsGreaterThan(0.01, query.abs().max().item<float>(), "the query has moved"));
        using var engine = _ml.Model.CreatePredictionEngine<ServedPhoto, ServedClass>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model);
        foreach (var (photo, expected) in photos.Zip(scores))
        {
            SmallTraining.AssertClose([expected], [engine.Predict(new ServedPhoto(photo.ImagePath)).Score]);
            SmallTraining.AssertClose([expected], [predictor.Predict(new ServedPhoto(photo.ImagePath)).Score]);
        }
        var pixels = ExportedFile.Pixels(model, SmallPictures.View(_ml, photos), photos.Length, 48);
        var probabilities = file.Run(ExportedFile.Input("pixels", pixels))["probabilities"];
        SmallTraining.AssertClose(scores, [.. probabilities.Chunk(3)], 1e-4f);
    }

    [TestMethod]
    [DataRow("Float16", 0.01f)]
    [DataRow("Int8", 0.15f)]
    public void SmallerFilesScoreNearlyTheSame(string precision, float tolerance)
    {
        using var model = SmallTraining.Fit(_ml, s_options with { Backbone = s_exact, Epochs = 4 }, SmallPictures.Take(10));
        var view = SmallPictures.View(_ml, SmallPictures.Take(4, skip: 20));
        var numbers = precision == "Float16" ? OnnxPrecision.Float16 : OnnxPrecision.Int8(SmallPictures.View(_ml, SmallPictures.Take(4)));

        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, view.Schema, precision: numbers);

        SmallTraining.AssertClose(
            SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(((ITransformer)chain).Transform(view)), tolerance);
    }

    [TestMethod]
    [DataRow("Binary")]
    [DataRow("Regression")]
    [DataRow("Ordinal")]
    [DataRow("MultiLabel")]
    [DataRow("Several")]
    [DataRow("Multiclass")]
    public void EveryTaskIsSavedAndLoadedWithTheSameBits(string name)
    {
        var (options, view, columns) = TaskOf(name);
        using var model = ((FineTuningTrainer)_ml.FineTuning.FineTuneImages(options)).Fit(view);
        var zip = SmallTraining.Save(_ml, model);

        using var loaded = (FineTuningTransformer)new MLContext().Model.Load(new MemoryStream(zip), out _);

        foreach (var column in columns)
            SmallTraining.AssertSameBits(Numbers(model.Transform(view), column), Numbers(loaded.Transform(view), column));
        var again = Zip.Read(SmallTraining.Save(_ml, loaded));
        foreach (var (entry, bytes) in Zip.Read(zip))
            CollectionAssert.AreEqual(bytes, again[entry], entry);
        AssertQuery(loaded, query => Assert.IsGreaterThan(0, query.abs().max().item<float>()));
        using var half = loaded.WithHalfPrecisionWeights();
        foreach (var column in columns)
            Assert.IsTrue(Numbers(half.Transform(view), column).All(row => row.All(float.IsFinite)));
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void AFreshProcessGivesTheSameBits()
    {
        using var model = SmallTraining.Fit(_ml, s_options, SmallPictures.Take(6));
        var photos = SmallPictures.Take(2, skip: 20);
        var zip = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(model, null, zip);

        var printed = LoadOnly.Run([zip, .. photos.Select(photo => photo.ImagePath)]);

        CollectionAssert.AreEqual(
            SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, photos)))
                .Select(scores => string.Join(' ', SmallTraining.Bits(scores).Select(bits => bits.ToString("X8")))).ToArray(),
            printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public void ATableStandsBesideThePooledPicture()
    {
        var view = FusedRow.View(_ml, FusedRow.Many(30));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options with { Pooling = s_options.Pooling })
            .Fit(view);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(view)), SmallTraining.Scores(loaded.Transform(view)));
        AssertQuery(model, query => CollectionAssert.AreEqual(new long[] { 4, Channels }, query.shape));
    }

    [TestMethod]
    public void LayersAndDescribeCountTheQueryInTheHead()
    {
        var options = s_options with { Strategy = Strategy.LastStages(1), Epochs = 1 };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(2));

        const int head = 4 * Channels + Channels * 3 + 3;
        Assert.AreEqual(head, model.Layers[^1].Parameters);
        Assert.AreEqual(head, model.Layers[^1].TrainedParameters);
        StringAssert.Contains(options.Describe(outputs: 3), $"{head:N0} at learning rate 3e-3: all");
        StringAssert.Contains(
            System.Text.Encoding.UTF8.GetString(Zip.Entry(SmallTraining.Save(_ml, model), "manifest.json")), "\"Attention(heads: 4)\"");
    }

    [TestMethod]
    public void FrozenStagesRunOnceAndTheirMapsAreKeptWhereTheyFit()
    {
        var log = new LogLines(_ml);
        var backbone = SmallTraining.Backbone with { Preprocessing = SmallTraining.Backbone.Preprocessing with { Size = 96 } };
        var options = s_options with { Strategy = Strategy.HeadOnly, Epochs = 3, Backbone = backbone };
        using var kept = SmallTraining.Fit(_ml, options, SmallPictures.Take(16));
        using var again = SmallTraining.Fit(_ml, options with { FeatureCache = FeatureCache.None }, SmallPictures.Take(16));

        const long maps = Channels * 6 * 6 * sizeof(float); // 18 KiB
        Assert.AreEqual((48, 48 * maps), (kept.Report!.FeatureCache!.RowsComputed, kept.Report.FeatureCache.Bytes));
        SmallTraining.AssertClose(SmallTraining.Scores(again.Transform(Test)), SmallTraining.Scores(kept.Transform(Test)), 1e-3f);

        var many = SmallPictures.Take(20); // 1.05 MiB
        using var small = SmallTraining.Fit(_ml, options with { FeatureCache = FeatureCache.InMemory(1), Epochs = 1 }, many);
        StringAssert.Contains(log.ToString(), "The frozen stages run in every epoch: their output for 60 rows takes 1.1 MiB");
    }

    [TestMethod]
    public void ACacheOfFeaturesIsNotTakenForOneOfMaps()
    {
        using var folder = new Folder();
        var cache = FeatureCache.InFolder(folder.File("cache"));
        var options = s_options with { Strategy = Strategy.HeadOnly, Epochs = 1, FeatureCache = cache };
        using var native = SmallTraining.Fit(_ml, options with { Pooling = HeadPooling.Native }, SmallPictures.Take(4));
        using var attention = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        using var others = SmallTraining.Fit(_ml, options with { Pooling = HeadPooling.Attention(2) }, SmallPictures.Take(4));

        Assert.AreEqual((12, 12, 0), (native.Report!.FeatureCache!.RowsComputed, attention.Report!.FeatureCache!.RowsComputed,
            others.Report!.FeatureCache!.RowsComputed));
    }

    [TestMethod]
    public void StrategiesAndActivationCheckpointingTrainTheQuery()
    {
        foreach (var strategy in (Strategy[])[Strategy.ProbeThenFull(), Strategy.Gradual(), Strategy.NormAndBias])
        {
            using var model = SmallTraining.Fit(_ml, s_options with { Strategy = strategy, Epochs = 4 }, SmallPictures.Take(3));
            AssertQuery(model, query => Assert.IsGreaterThan(0, query.abs().max().item<float>(), $"{strategy}"));
        }
        using var plain = SmallTraining.Fit(_ml, s_options, SmallPictures.Take(6));
        using var checkpointed = SmallTraining.Fit(_ml, s_options with { ActivationCheckpointing = true }, SmallPictures.Take(6));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(checkpointed));
    }

    [TestMethod]
    public void AnAdapterFileHoldsTheQuery()
    {
        using var pretrained = SmallTraining.LoadModel(_ml);
        var weights = Path.Combine(SmallPictures.NewFolder(), "micro.safetensors");
        pretrained.SaveWeights(weights);
        var backbone = Backbone.Micro.WithWeights(weights) with { Preprocessing = SmallTraining.Backbone.Preprocessing };
        using var model = SmallTraining.Fit(
            _ml, s_options with { Backbone = backbone, Adapter = Adapter.Lora(2), LearningRate = 0.01f }, SmallPictures.Take(6));
        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        model.SaveAdapter(path);

        using var applied = _ml.Model.LoadAdapter(path, backbone);

        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(Test)), SmallTraining.Scores(applied.Transform(Test)));
    }

    [TestMethod]
    public void ATrainingThatContinuesKeepsTheQueryOfTheSamePooling()
    {
        using var earlier = SmallTraining.Fit(_ml, s_options, SmallPictures.Take(6));
        var log = new LogLines(_ml);
        var untrained = s_options with { Backbone = Backbone.FromModel(earlier), StopToken = new CancellationToken(canceled: true) };
        using (var next = SmallTraining.Fit(_ml, untrained, SmallPictures.Take(4)))
            SmallTraining.AssertClose(SmallTraining.Scores(earlier.Transform(Test)), SmallTraining.Scores(next.Transform(Test)), 1e-6f);
        using (SmallTraining.Fit(_ml, untrained with { Pooling = HeadPooling.Native }, SmallPictures.Take(4)))
        {
            StringAssert.Contains(
                log.ToString(),
                "The head of the earlier model is not used, since it was learned with HeadPooling.Attention(heads: 4), and now pools by "
                + "Native.");
        }
    }

    [TestMethod]
    public void APrunedNetworkPoolsItsMaps()
    {
        using var earlier = SmallTraining.Fit(_ml, s_options, SmallPictures.Take(4));
        var options = s_options with { Backbone = Backbone.FromModel(earlier).Prune(0.25f), Strategy = Strategy.Full(1), Epochs = 1 };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        Assert.IsLessThan(earlier.Layers.Sum(layer => layer.Parameters), loaded.Layers.Sum(layer => layer.Parameters));
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(Test)), SmallTraining.Scores(loaded.Transform(Test)));
    }

    [TestMethod]
    public void AStageThatIsReplacedGivesTheMaps()
    {
        var options = s_options with { Backbone = SmallTraining.Backbone.ReplaceStage("layer3", new SmallLayersFactory()), Epochs = 1 };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        AssertQuery(model, query => Assert.AreEqual(Channels, query.shape[1]));
        var vit = FixtureNetworks.Find("vit", 1).FromScratch().ReplaceStage("blocks.2", new SmallLayersFactory());
        using var ofTokens = SmallTraining.Fit(_ml, options with { Backbone = vit }, SmallPictures.Take(4));
        AssertQuery(ofTokens, query => Assert.AreEqual(48, query.shape[1]));
    }

    [TestMethod]
    public void ANetworkWithoutItsUpperStagesTrainsAndContinuesOnlyWithAttention()
    {
        var backbone = Backbone.MobileNetV3Small(0.5f).FromScratch() with { Preprocessing = SmallTraining.Backbone.Preprocessing };
        var options = s_options with { Backbone = backbone, Epochs = 1 };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(Test)), SmallTraining.Scores(loaded.Transform(Test)));
        Assert.AreEqual("blocks.5", model.Layers[^2].Name);
        using var next = SmallTraining.Fit(_ml, options with { Backbone = Backbone.FromModel(loaded) }, SmallPictures.Take(4));
        var native = options with { Backbone = Backbone.FromModel(loaded), Pooling = HeadPooling.Native };
        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(() => SmallTraining.Fit(_ml, native, SmallPictures.Take(4))).Message,
            "no tensor 'conv_head.weight'");
    }

    [TestMethod]
    public void AVisionTransformerTrainsOnItsTokens()
    {
        var options = s_options with { Backbone = FixtureNetworks.Find("vit", 1).FromScratch(), Epochs = 1 };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));

        AssertQuery(model, query => CollectionAssert.AreEqual(new long[] { 4, 48 }, query.shape));
        using var explainer = _ml.Transforms.ExplainImages("Why", "ImagePath", model, Explanation.AttentionRollout(), "Map").Fit(Test);
        Assert.IsTrue(explainer.Transform(Test).GetColumn<float[]>("Map").All(map => map.Length == 16 && map.All(share => share > 0)));
    }

    // Equations 1 and 2 of the paper, by hand, through the query.
    [TestMethod]
    public void GradCamExplainsTheHeadWithItsQuery()
    {
        using var model = SmallTraining.Fit(_ml, s_options with { Epochs = 4 }, SmallPictures.Take(10));
        var photo = SmallPictures.Take(1, skip: 20)[1];
        var view = SmallPictures.View(_ml, [photo]);
        using var explainer = _ml.Transforms.ExplainImages(
            "Why", "ImagePath", model, Explanation.GradCam() with { Class = "rings" }, "Map").Fit(view);
        var map = explainer.Transform(view).GetColumn<float[]>("Map").Single();

        model.Scorer.Read(network =>
        {
            using var scope = NewDisposeScope();
            using var gradients = enable_grad();
            var image = (ImageNetwork)network;
            using var collator = image.CreateCollator();
            var pixels = new byte[model.Inputs.Length];
            Assert.IsNull(new MlNetFineTune.Data.ImageEncoder(model.Inputs.Pixels!.Preprocessing)
                .EncodeFile(photo.ImagePath, Augmentation.None, default, pixels));
            using var inputs = collator.Collate(pixels, 1);
            var maps = image.Backbone.Forward(inputs.Activations, 0, image.Stages.Count).detach().requires_grad_();
            var place = model.Classes.ToList().IndexOf("rings");
            image.Head.forward(image.Pool!.forward(maps)).select(1, place).sum().backward();
            var expected = maps.grad!.mean([2, 3], keepdim: true).mul(maps).sum(1).relu();
            Fixture.AreClose(expected.Values(), [.. map.Select(value => (double)value)], 1e-5, "heat");
            Assert.IsGreaterThan(0, expected.max().item<float>());
            foreach (var (_, parameter) in network.NamedParameters())
                parameter.grad = null;
        });
    }

    [TestMethod]
    public void WhatCannotBePooledIsRefusedBeforeTheDataAreRead()
    {
        Assert.ThrowsExactly<ArgumentNullException>(() => s_options with { Pooling = null! });
        var script = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Fixtures", "torchscript", "scripted.pt");
        var program = Backbone.FromTorchScript(script, SmallTraining.Backbone.Preprocessing);
        Refused(s_options with { Backbone = program }, "TorchScript program runs as a whole");
        Refused(s_options with { Pooling = HeadPooling.Attention(3) }, "3 heads, which share the 128 channels");

        void Refused(ImageFineTuningOptions options, string part) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => SmallTraining.Fit(_ml, options, SmallPictures.Take(2))).Message, part);
    }

    [TestMethod]
    public void ADamagedManifestIsRefusedWithASentence()
    {
        using var model = SmallTraining.Fit(_ml, s_options with { Epochs = 1 }, SmallPictures.Take(2));
        var zip = SmallTraining.Save(_ml, model);
        foreach (var (from, to, part) in ((string, string, string)[])[
            ("\"Heads\": 4", "\"Heads\": 0", "heads"), ("\"Heads\": 4", "\"Heads\": 5", "5 heads"),
            ("\"Heads\": 4", "\"Heads\": 8", "attn_pool.query"),
            ("\"Kind\": \"Attention\"", "\"Kind\": \"Median\"", "no pooling 'Median'")])
        {
            var changed = Zip.With(zip, "manifest.json", bytes =>
            {
                var text = System.Text.Encoding.UTF8.GetString(bytes);
                Assert.IsTrue(text.Contains(from, StringComparison.Ordinal), text);
                return System.Text.Encoding.UTF8.GetBytes(text.Replace(from, to, StringComparison.Ordinal));
            });
            var error = Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(changed), out _)).GetBaseException();
            StringAssert.Contains(error.Message, part);
        }
    }

    private (ImageFineTuningOptions Options, IDataView View, string[] Columns) TaskOf(string name)
    {
        var scalar = MarkedPhoto.View(_ml, MarkedPhoto.Take(6));
        return name switch
        {
            "Binary" => (Of(LearningTask.Binary(), "Yes"), scalar, ["Score", "Probability"]),
            "Regression" => (Of(LearningTask.Regression(), "Number"), scalar, ["Score"]),
            "Ordinal" => (Of(LearningTask.Ordinal(), "Grade"), scalar, ["Score"]),
            "MultiLabel" => (Of(LearningTask.MultiLabel(), "Marks"), _ml.Transforms.Concatenate("Marks", "Yes").Fit(scalar)
                .Transform(scalar), ["Score"]),
            "Several" => (SeveralRow.Options with { Pooling = s_options.Pooling }, SeveralRow.View(_ml, SeveralRow.Take(6)),
                ["KindScore", "SizeScore", "RedScore"]),
            _ => (Of(LearningTask.Multiclass(), "Label"), SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(6))),
                ["Score"]),
        };

        static ImageFineTuningOptions Of(LearningTask task, string label) => s_options with { Task = task, LabelColumnName = label };
    }

    private static float[][] Numbers(IDataView view, string column) => view.Schema[column].Type is VectorDataViewType
        ? [.. view.GetColumn<float[]>(column)]
        : [.. view.GetColumn<float>(column).Select(number => (float[])[number])];

    private static void AssertQuery(FineTuningTransformer model, Action<Tensor> check) => model.Scorer.Read(network =>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        check(((ImageNetwork)network).Pool!.query);
    });
}
