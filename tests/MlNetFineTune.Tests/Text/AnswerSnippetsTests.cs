using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>The snippet of docs/question-answering.md: it is compiled here, runs here, and is the same there, line by line.</summary>
[TestClass]
public sealed class AnswerSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly string folder = SmallTexts.Folder;

    [TestMethod]
    public void Ask()
    {
        var (train, test) = (SmallAnswers.View(ml, SmallAnswers.Take(60)), SmallAnswers.View(ml, SmallAnswers.Take(10, seed: 2)));
        // begin
        using var model = ml.FineTuning.FineTuneText(new TextFineTuningOptions
        {
            Backbone = TextBackbone.FromFolder(folder),
            Task = LearningTask.QuestionAnswering(),
            TextColumnName = "Question",
            SecondTextColumnName = "Context", // the text that may hold the answer
            LabelColumnName = "Answer", // a part of the context; empty if it has no answer
            MaximumLength = 32, // tokens in a window; default 128
            Metric = Metric.AnswerF1, // chooses the epoch; default: the loss
        }).Fit(train);
        QuestionAnsweringMetrics metrics = ml.FineTuning.EvaluateQuestionAnswering(model.Transform(test), "Answer");
        Console.WriteLine($"exact {metrics.ExactMatch}, F1 {metrics.F1}, with an answer {metrics.WithAnswer.F1}");
        using var engine = ml.Model.CreatePredictionEngine<Question, Reply>(model);
        var reply = engine.Predict(new Question { Text = "good", Context = "the film was very good ." });
        Console.WriteLine(reply.PredictedAnswer.Length > 0 ? $"{reply.PredictedAnswer} ({reply.Score})" : "no answer");
        // end
        Assert.AreEqual(10, metrics.Rows);
        Snippets.VerifyDocumented("Text/AnswerSnippetsTests.cs", nameof(Ask), "question-answering.md");
    }

    private sealed class Question
    {
        [Microsoft.ML.Data.ColumnName("Question")]
        public string Text { get; set; } = "";

        public string Context { get; set; } = "";
    }

    private sealed class Reply
    {
        public string PredictedAnswer { get; set; } = "";

        public int[] PredictedSpan { get; set; } = [];

        public float Score { get; set; }

        public float NoAnswerProbability { get; set; }
    }
}
