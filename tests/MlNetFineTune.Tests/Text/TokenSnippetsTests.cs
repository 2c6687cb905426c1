using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>The snippet of docs/token-classification.md: it is compiled here, runs here, and is the same there, line by line.</summary>
[TestClass]
public sealed class TokenSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly string folder = SmallTexts.Folder;

    [TestMethod]
    public void Label()
    {
        var (train, test) = (SmallWords.View(ml, SmallWords.Take(40)), SmallWords.View(ml, SmallWords.Take(10, seed: 2)));
        var sentence = new Sentence { Words = SmallWords.Take(1)[0].Words };
        // begin
        using var model = ml.FineTuning.FineTuneText(new TextFineTuningOptions
        {
            Backbone = TextBackbone.FromFolder(folder),
            Task = LearningTask.TokenClassification(),
            TextColumnName = "Words", // string[]
            LabelColumnName = "Tags", // string[], a label for each word
            MaximumLength = 32, // tokens in a window; default 128
            Metric = Metric.EntityF1, // chooses the epoch; default: the loss
        }).Fit(train);
        TokenClassificationMetrics metrics = ml.FineTuning.EvaluateTokenClassification(model.Transform(test), "Tags");
        Console.WriteLine($"{metrics.EntityF1}, strict {metrics.StrictEntityF1}");
        using var engine = ml.Model.CreatePredictionEngine<Sentence, Entities>(model);
        foreach (var span in engine.Predict(sentence).Spans)
            Console.WriteLine($"{span.Type}: {string.Join(' ', sentence.Words)[span.Start..span.End]}");
        // end
        Assert.AreEqual(10, metrics.Rows);
        Snippets.VerifyDocumented("Text/TokenSnippetsTests.cs", nameof(Label), "token-classification.md");
    }

    private sealed class Sentence
    {
        public string[] Words { get; set; } = [];
    }

    private sealed class Entities
    {
        public string[] PredictedLabel { get; set; } = [];

        public int[] PredictedSpans { get; set; } = [];

        public string[] PredictedSpanTypes { get; set; } = [];

        public IReadOnlyList<EntitySpan> Spans => EntitySpan.From(PredictedSpans, PredictedSpanTypes);
    }
}
