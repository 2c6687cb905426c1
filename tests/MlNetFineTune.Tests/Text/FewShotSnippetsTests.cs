using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>The snippet of docs/few-shot.md: it is compiled here, runs here, and is the same there, line by line.</summary>
[TestClass]
public sealed class FewShotSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly string folder = SmallTexts.Folder;

    [TestMethod]
    public void FewShots()
    {
        var train = SmallTexts.View(ml, SmallTexts.Take(16));
        // begin
        using var model = ml.MulticlassClassification.Trainers.FineTuneText(new TextFineTuningOptions
        {
            Backbone = TextBackbone.FromFolder(folder), // a sentence encoder, such as all-MiniLM-L6-v2
            Strategy = Strategy.ContrastiveThenProbe(iterations: 20),
            Epochs = 120, // 20 of pairs, 100 of the head on cached features
            BatchSize = 32, // 16 pairs
            Schedule = LearningRateSchedule.Linear(warmup: 0.1f), // once in each phase, as SetFit's
            Validation = ValidationData.None, // all of the few rows train
            MaximumLength = 24,
        }).Fit(train);
        // end
        Assert.HasCount(120, model.Report!.Epochs);
        Snippets.VerifyDocumented("Text/FewShotSnippetsTests.cs", nameof(FewShots), "few-shot.md");
    }
}
