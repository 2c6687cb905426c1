using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using TorchSharp;

namespace MlNetFineTune.Tests.Text;

/// <summary>A ModernBERT in a folder as on the hub, with the tokenizer of its form, through ML.NET.</summary>
[TestClass]
public sealed class ModernBertPipelineTests
{
    private static readonly Lazy<string> s_folder = new(CreateFolder);

    private readonly MLContext _ml = new(seed: 1);

    private static TextFineTuningOptions Options => SmallTexts.Options with { Backbone = TextBackbone.FromFolder(s_folder.Value) };

    private IDataView Train => SmallTexts.View(_ml, SmallTexts.Take(160));

    private IDataView Test => SmallTexts.View(_ml, SmallTexts.Take(60, seed: 2));

    [TestMethod]
    public void AFolderOfTheHubIsFineTunedSavedAndScoredInOnnxRuntime()
    {
        using var model = Fit(Options with { MaximumLength = 64 });
        var scored = model.Transform(Test);
        Assert.IsGreaterThan(0.9, _ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);
        CollectionAssert.AreEqual(
            new[] { "embeddings", "layer0", "layer1", "layer2", "layer3", "head" }, model.Layers.Select(layer => layer.Name).ToArray());

        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model, Test.Schema)), out _);
        SmallTraining.AssertSameBits(SmallTraining.Scores(scored), SmallTraining.Scores(loaded.Transform(Test)));

        // Texts whose characters compose, and with added tokens.
        TextRow[] odd =
        [
            .. SmallTexts.Take(10, seed: 3), new TextRow { Text = "", Kind = "good" },
            new TextRow { Text = "a  fine\u0301 \n    film [unused1] |||IP_ADDRESS||| \ufffe<|endoftext|>", Kind = "good" },
        ];
        var rows = SmallTexts.View(_ml, odd);
        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, rows.Schema);
        SmallTraining.AssertClose(
            SmallTraining.Scores(model.Transform(rows)), SmallTraining.Scores(((ITransformer)chain).Transform(rows)), 1e-5f);
    }

    [TestMethod]
    public void FreezingAdaptersAndLayerDecayActOnItsLayers()
    {
        using (var last = Fit(Options with { Strategy = Strategy.LastStages(1), Epochs = 1 }))
        {
            var trained = last.Layers.Select(layer => layer.TrainedParameters).ToArray();
            Assert.IsTrue(trained[..4].All(count => count == 0), string.Join(", ", trained));
            // Two norms of the layer and the final one, 16 numbers each, and its four matrices.
            Assert.AreEqual((3 * 16) + (3 * 16 * 16) + (16 * 16) + (2 * 20 * 16) + (20 * 16), trained[4]);
        }
        using (var gradual = Fit(Options with { Strategy = Strategy.Gradual(layerDecay: 0.9f), Epochs = 10 }))
            Assert.IsTrue(gradual.Layers.All(layer => layer.TrainedParameters > 0));

        var options = Options with { Adapter = Adapter.Lora(rank: 2, targets: ["Wqkv", "attn.Wo"]), LearningRate = 2e-2f, Epochs = 8 };
        using var adapted = Fit(options);
        // Of each layer two matrices have adapters, of 16 to 48 and of 16 to 16.
        Assert.AreEqual(2 * (16 + 48 + 16 + 16), adapted.Layers[1].TrainedParameters);
        Assert.IsGreaterThan(0.7, _ml.MulticlassClassification.Evaluate(adapted.Transform(Test)).MicroAccuracy);
        var file = Path.Combine(SmallPictures.NewFolder(), "texts.adapter.safetensors");
        adapted.SaveAdapter(file);
        using var again = _ml.Model.LoadAdapter(file, Options.Backbone!);
        SmallTraining.AssertClose(SmallTraining.Scores(adapted.Transform(Test)), SmallTraining.Scores(again.Transform(Test)));
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(
                () => Fit(options with { Adapter = Adapter.Lora(rank: 2, targets: ["query"]) })).Message, "layers.0.attn.Wqkv");
    }

    [TestMethod]
    public void TheWeightsThatItSavesHaveTheNamesOfTransformers()
    {
        using var model = Fit(Options with { Epochs = 1 });
        var folder = SmallPictures.NewFolder();
        foreach (var name in new[] { "config.json", "tokenizer.json", "tokenizer_config.json" })
            File.Copy(Path.Combine(s_folder.Value, name), Path.Combine(folder, name));
        model.SaveWeights(Path.Combine(folder, "model.safetensors"));
        using var encoder = TextBackbone.FromFolder(folder).CreateEncoder(seed: 1);
        using var own = TextBackbone.FromModel(model).CreateEncoder(seed: 1);
        foreach (var (expected, actual) in own.NamedParameters().Zip(encoder.NamedParameters()))
            CollectionAssert.AreEqual(expected.Parameter.Values(), actual.Parameter.Values(), expected.Name);
    }

    [TestMethod]
    public void TextsAreAsLongAsThePositions()
    {
        Assert.AreEqual(64, Options.Backbone!.MaximumLength);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Fit(Options with { MaximumLength = 65 })).Message, "64 tokens");
    }

    private FineTuningTransformer Fit(TextFineTuningOptions options) =>
        _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(Train);

    private static string CreateFolder()
    {
        var folder = SmallPictures.NewFolder();
        var tokenizer = Fixture.Read("modernbert-tokenizer.json").GetProperty("tokenizer");
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.GetRawText());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"tokenizer_class": "PreTrainedTokenizerFast"}""");
        File.WriteAllText(Path.Combine(folder, "config.json"), """
            {"model_type": "modernbert", "vocab_size": 512, "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2,
             "intermediate_size": 20, "max_position_embeddings": 64, "local_attention": 12, "global_attn_every_n_layers": 3,
             "global_rope_theta": 160000.0, "local_rope_theta": 10000.0, "position_embedding_type": "absolute",
             "classifier_pooling": "mean", "norm_bias": false, "attention_bias": false, "mlp_bias": false, "pad_token_id": 50283}
            """);
        using var scope = torch.NewDisposeScope();
        using var encoder = TextBackbone.FromScratch(folder).CreateEncoder(seed: 7);
        SafeTensorsWriter.WriteFile(
            Path.Combine(folder, "model.safetensors"),
            [.. encoder.NamedParameters().Select(named => ($"model.{named.Name}", (torch.Tensor)named.Parameter))],
            new Dictionary<string, string>());
        return folder;
    }
}
