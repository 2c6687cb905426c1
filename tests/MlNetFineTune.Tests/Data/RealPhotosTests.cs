using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>The main job on real photos with real weights. The bounds are those of docs/fine-tuning.md,
/// less what one seed may differ.</summary>
[TestClass]
[TestCategory(Categories.Weights)]
[TestCategory(Categories.Slow)]
public sealed class RealPhotosTests
{
    [TestMethod]
    public void ANewHeadOnMobileNetV2TellsAntsFromBees()
    {
        var weights = SharedData.RequireOrSkip("weights/mobilenetv2_100.safetensors");
        var photos = SharedData.RequireOrSkip("data/ants-bees");
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadImageFolder(Path.Combine(photos, "train"));
        var test = ml.Data.LoadImageFolder(Path.Combine(photos, "val"));

        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
            {
                Backbone = Backbone.MobileNetV2.WithWeights(weights),
                Strategy = Strategy.HeadOnly,
                Augmentation = Augmentation.None,
                Epochs = 5,
            }))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var model = pipeline.Fit(train);
        var metrics = ml.MulticlassClassification.Evaluate(model.Transform(test));

        Assert.IsGreaterThanOrEqualTo(0.94, metrics.MicroAccuracy);
        Assert.IsLessThan(0.2, metrics.LogLoss); // what a right probability gives; raw logits would give far more
        Assert.AreEqual(metrics.MicroAccuracy, metrics.F1().Micro, 1e-9);

        using var saved = new MemoryStream();
        ml.Model.Save(model, train.Schema, saved);
        saved.Position = 0;
        var fresh = new MLContext();
        var loaded = fresh.Model.Load(saved, out _);
        using var disposable = (IDisposable)loaded;
        CollectionAssert.AreEqual(Scores(model.Transform(test)),
            Scores(loaded.Transform(fresh.Data.LoadImageFolder(Path.Combine(photos, "val")))));

        using var engine = fresh.Model.CreatePredictionEngine<Photo, Answer>(loaded);
        Assert.AreEqual(
            "bees",
            engine.Predict(new Photo { ImagePath = Path.Combine(photos, "val", "bees", "1032546534_06907fe3b3.jpg") }).PredictedLabel);
    }

    [TestMethod]
    public void AdaptersOnMobileNetV2TellAntsFromBeesAndFitIntoSomeHundredKilobytes()
    {
        var backbone = Backbone.MobileNetV2.WithWeights(SharedData.RequireOrSkip("weights/mobilenetv2_100.safetensors"));
        var photos = SharedData.RequireOrSkip("data/ants-bees");
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadImageFolder(Path.Combine(photos, "train"));
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
        var test = keys.Transform(ml.Data.LoadImageFolder(Path.Combine(photos, "val")));

        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(new ImageFineTuningOptions
        {
            Backbone = backbone,
            Adapter = Adapter.Lora(rank: 8),
            Strategy = Strategy.LastStages(3),
            Augmentation = Augmentation.None,
            Epochs = 3,
        }).Fit(keys.Transform(train));
        var scored = model.Transform(test);
        Assert.IsGreaterThanOrEqualTo(0.92, ml.MulticlassClassification.Evaluate(scored).MicroAccuracy);

        var path = Path.Combine(SmallPictures.NewFolder(), "adapter.safetensors");
        model.SaveAdapter(path);
        Assert.IsLessThan(600_000, new FileInfo(path).Length);
        using var again = ml.Model.LoadAdapter(path, backbone);
        CollectionAssert.AreEqual(Scores(scored), Scores(again.Transform(test)));
    }

    private static float[] Scores(IDataView scored) => [.. scored.GetColumn<float[]>("Score").SelectMany(row => row)];

    private sealed class Photo
    {
        public string Label { get; set; } = "";

        public string ImagePath { get; set; } = "";
    }

    private sealed class Answer
    {
        public string PredictedLabel { get; set; } = "";
    }
}
