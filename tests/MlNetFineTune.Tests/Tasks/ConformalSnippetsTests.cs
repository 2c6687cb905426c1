using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Tasks;

/// <summary>The snippet of docs/conformal.md: it is compiled here, run here, and is the same there, line by line.</summary>
[TestClass]
public sealed class ConformalSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly Backbone backbone = SmallTraining.Backbone;
    private readonly List<string> _reviewed = [];

    [TestMethod]
    public void Judge()
    {
        var photos = SmallPictures.View(ml, SmallPictures.Take(30));
        var photo = SmallPictures.Take(1)[0];
        // begin
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            Strategy = Strategy.HeadOnly,
            Validation = ValidationData.Fraction(0.5f), // half of these rows are kept for the sets
            Task = LearningTask.Multiclass(calibration: Calibration.Temperature()),
            Conformal = new ConformalPrediction { Coverage = 0.9f },
        };
        var model = ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(ml.MulticlassClassification.Trainers.FineTuneImages(options))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabels"))
            .Fit(photos);
        using var engine = ml.Model.CreatePredictionEngine<Photo, Judgement>(model); // disposes the model
        Judgement judged = engine.Predict(photo);
        if (judged.Rejected)
            GiveToAPerson(judged.PredictedLabels, judged.Novelty); // the classes to choose from, and how strange the photo is
        // end
        Assert.HasCount(judged.Rejected ? 1 : 0, _reviewed);
        Snippets.VerifyDocumented("Tasks/ConformalSnippetsTests.cs", nameof(Judge), "conformal.md");
    }

    private void GiveToAPerson(string[] classes, float novelty) =>
        _reviewed.Add(FormattableString.Invariant($"{string.Join(", ", classes)}: {novelty}"));

    private sealed class Judgement
    {
        public string[] PredictedLabels { get; set; } = [];

        public float Novelty { get; set; }

        public bool Rejected { get; set; }
    }
}
