using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Networks;

/// <summary>The snippets of docs/adapters.md on changes to the network: they are compiled here, run here, and are the same there,
/// line by line.</summary>
[TestClass]
public sealed class DocumentedSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly Backbone backbone = SmallTraining.Backbone;
    private readonly ImageFineTuningOptions usual = SmallTraining.Options with { Epochs = 1 };

    private IDataView Photos => SmallTraining.WithKeys(ml, SmallPictures.View(ml, SmallPictures.Take(3)));

    [TestMethod]
    public void Adapters()
    {
        var (photos, path) = (Photos, Path.Combine(SmallPictures.NewFolder(), "photos.adapter.safetensors"));
        // begin
        var options = usual with
        {
            Backbone = backbone,
            Adapter = Adapter.Lora(rank: 8),
            Strategy = Strategy.LastStages(3),
            LearningRate = 5e-3f
        };
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(photos);
        model.SaveAdapter(path);
        using var again = ml.Model.LoadAdapter(path, backbone); // the same pretrained weights, anywhere
        // end
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(photos)), SmallTraining.Scores(again.Transform(photos)));
        VerifyDocumented(nameof(Adapters));
    }

    [TestMethod]
    public void Stages()
    {
        var photos = Photos;
        // begin
        var changed = backbone.ReplaceStage("layer3", new SmallLayersFactory { Dropout = 0.2 }).ReinitializeStage("layer2");
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(
            usual with { Backbone = changed, Strategy = Strategy.HeadOnly }).Fit(photos);
        // end
        CollectionAssert.AreEqual(new[] { "layer2", "layer3" }, model.Report!.TrainedStages.ToArray());
        VerifyDocumented(nameof(Stages));
    }

    [TestMethod]
    public void Continued()
    {
        var (photos, path) = (Photos, Path.Combine(SmallPictures.NewFolder(), "photos.zip"));
        File.WriteAllBytes(path, SmallTraining.ModelZip);
        // begin
        var earlier = ml.Model.Load(path, out _);
        using var model = ml.MulticlassClassification.Trainers.FineTuneImages(usual with { Backbone = Backbone.FromModel(earlier) })
            .Fit(photos);
        // end
        ((IDisposable)earlier).Dispose();
        Assert.IsGreaterThan(0.8, ml.MulticlassClassification.Evaluate(model.Transform(photos)).MicroAccuracy);
        VerifyDocumented(nameof(Continued));
    }

    private static void VerifyDocumented(string method) =>
        Snippets.VerifyDocumented(Path.Combine("Networks", "DocumentedSnippetsTests.cs"), method, "adapters.md");
}
