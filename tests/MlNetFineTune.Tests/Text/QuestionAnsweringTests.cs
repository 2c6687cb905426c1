using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>Answers to questions through ML.NET: fit, evaluate, save, load in another process, one row at a time.</summary>
[TestClass]
public sealed class QuestionAnsweringTests
{
    private static readonly QuestionRow[] s_train = SmallAnswers.Take(300);

    private static readonly QuestionRow[] s_test = SmallAnswers.Take(80, seed: 2);

    private readonly MLContext _ml = new(seed: 1);

    private IDataView Test => SmallAnswers.View(_ml, s_test);

    [TestMethod]
    public void AModelIsFittedEvaluatedSavedAndLoadedInAnotherProcess()
    {
        using var model = Fit(SmallAnswers.Options);
        var scored = model.Transform(Test);
        var metrics = Evaluate(model);
        Assert.IsGreaterThan(0.8, metrics.F1, $"{metrics}");
        Assert.IsGreaterThan(0.7, metrics.WithAnswer.ExactMatch, $"{metrics}");
        Assert.IsGreaterThan(0.7, metrics.WithoutAnswer.ExactMatch, $"{metrics}");
        Assert.AreEqual(80, metrics.Rows);
        Assert.AreEqual(0.5f, model.ProbabilityThreshold!.Value, 1e-6f);
        Assert.IsEmpty(model.Classes);
        Assert.AreEqual(metrics, _ml.FineTuning.EvaluateQuestionAnswering(scored, nameof(QuestionRow.Span)));

        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(model, Test.Schema, path);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(path, out _);
        var again = loaded.Transform(Test);
        foreach (var column in new[] { "Score", "NoAnswerProbability" })
            CollectionAssert.AreEqual(scored.GetColumn<float>(column).ToArray(), again.GetColumn<float>(column).ToArray(), column);
        CollectionAssert.AreEqual(Answers(model), Answers(loaded));

        var printed = LoadOnly.Run(["--answers", path, .. s_test.Select(row => $"{row.Question};{row.Context}")]);
        var expected = Answers(model).Zip(scored.GetColumn<float>("Score"), scored.GetColumn<float>("NoAnswerProbability")).Select(
            row => $"{BitConverter.SingleToInt32Bits(row.Second):X8} {BitConverter.SingleToInt32Bits(row.Third):X8} {row.First}".TrimEnd());
        CollectionAssert.AreEqual(
            expected.ToArray(), printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public async Task ColumnsMapToAClassOfTheUser()
    {
        using var model = Fit(SmallAnswers.Options with { Epochs = 6 });
        using var engine = _ml.Model.CreatePredictionEngine<QuestionRow, Prediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        var batched = Answers(model);
        var (answered, unanswered) = (0, 0);
        foreach (var (row, answer) in s_test.Zip(batched))
        {
            var prediction = engine.Predict(row);
            Assert.AreEqual(answer, prediction.PredictedAnswer);
            Assert.IsTrue(prediction.Score is > 0 and <= 1 && prediction.NoAnswerProbability is >= 0 and <= 1, "no probabilities");
            Assert.AreEqual(prediction.NoAnswerProbability > 0.5f, prediction.PredictedAnswer.Length == 0);
            if (prediction.PredictedAnswer.Length == 0)
            {
                Assert.IsEmpty(prediction.PredictedSpan);
                unanswered++;
                continue;
            }
            Assert.AreEqual(row.Context[prediction.PredictedSpan[0]..prediction.PredictedSpan[1]], prediction.PredictedAnswer);
            answered++;
        }
        Assert.IsGreaterThan(20, answered);
        Assert.IsGreaterThan(5, unanswered);
        await using var predictor = _ml.Model.CreatePredictor<QuestionRow, Prediction>(model);
        foreach (var (answer, served) in batched.Zip(await Task.WhenAll(s_test.Select(row => predictor.PredictAsync(row)))))
            Assert.AreEqual(answer, served.PredictedAnswer);
    }

    [TestMethod]
    public void TextsAndCharactersAreTheSameLabels()
    {
        // Of a repeated word the first is meant in both.
        using var texts = Fit(SmallAnswers.Options with { Epochs = 1 });
        using var spans = Fit(SmallAnswers.Options with { Epochs = 1, LabelColumnName = nameof(QuestionRow.Span) });
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(texts), SmallTraining.WeightsOf(spans));

        var log = new LogLines(_ml);
        QuestionRow repeated = new() { Question = "good", Context = "good or good film", Answer = "good" };
        using var model = Fit(SmallAnswers.Options with { Epochs = 1 }, [.. s_train[..20], repeated]);
        Assert.Contains("1 of 21 answers occur several times in their context: the first occurrence is taken", log.ToString());
    }

    [TestMethod]
    public void AnswersAreTheVeryCharactersOfTheContext()
    {
        using var model = Fit(SmallAnswers.Options);
        QuestionRow[] rows =
        [
            new() { Question = "good", Context = "The  film\tis GREAT! A book is 😀." },
            new() { Question = "good", Context = "the book was\r\n\u200bVery  Fíne . the film" },
        ];
        var scored = model.Transform(SmallAnswers.View(_ml, rows));
        var answers = Answers(model, rows);
        var spans = scored.GetColumn<int[]>("PredictedSpan").ToArray();
        for (var row = 0; row < rows.Length; row++)
            Assert.AreEqual(answers[row], rows[row].Context[spans[row][0]..spans[row][1]]);
        Assert.AreEqual("GREAT", answers[0]);
        StringAssert.EndsWith(answers[1], "Fíne");
    }

    [TestMethod]
    public void LongContextsAreReadInOverlappingWindows()
    {
        var log = new LogLines(_ml);
        QuestionRow[] rows = [.. s_train, .. Enumerable.Range(0, 20).Select(i => SmallAnswers.Long(40, seed: i, hasAnswer: i % 2 == 0))];
        using var model = Fit(SmallAnswers.Options with { MaximumLength = 16 }, rows);
        Assert.Contains("contexts do not fit into 16 tokens and are read in overlapping windows", log.ToString());

        QuestionRow[] longer = [SmallAnswers.Long(200, seed: 50), SmallAnswers.Long(200, seed: 51, hasAnswer: false), .. s_test[..6]];
        var answers = Answers(model, longer);
        Assert.AreEqual("great", answers[0]);
        Assert.AreEqual("", answers[1]);
        CollectionAssert.AreEqual(Answers(model, longer[2..]), answers[2..], "a long row changes the short ones beside it");
    }

    [TestMethod]
    public void TheLossIsTheMeanOverAllWindowsOfTheStep()
    {
        QuestionRow[] rows = [.. s_train[..60], .. Enumerable.Range(0, 4).Select(i => SmallAnswers.Long(30, seed: i))];
        var options = SmallAnswers.Options with { Epochs = 2, MaximumLength = 16 };
        using var whole = Fit(options, rows);
        using var split = Fit(options with { MaxTokens = 60 }, rows);
        AssertSameScores(whole, split, 2e-3f);
        using var accumulated = Fit(options with { BatchSize = 4, AccumulationSteps = 4 }, rows);
        AssertSameScores(whole, accumulated, 2e-3f);
    }

    [TestMethod]
    public void RowsThatCannotBeUsedSayWhy()
    {
        (QuestionRow Row, string Label, string Reason)[] bad =
        [
            (Asked("good", "the film", answer: "book"), "Answer", "has the answer 'book', which is not in the context"),
            (Asked("good", "The Film", answer: "film"), "Answer", "except in other case"),
            (Asked("good", "the film", span: [4, 9]), "Span", "has the characters 4 to 9 (exclusive), and the context has 8"),
            (Asked("good", "the film", span: [-1, 3]), "Span", "has the characters -1 to 3"),
            (Asked("good", "the film", span: [4, 3]), "Span", "has the characters 4 to 3"),
            (Asked("good", "the film", span: [4]), "Span", "has 1 numbers"),
            (Asked("good", "the film", answer: " "), "Answer", "the tokenizer has no token for the answer ' '"),
            (Asked("good", "", answer: ""), "Answer", "its context is empty"),
            (Asked("", "the film", answer: ""), "Answer", "its question is empty"),
            (Asked(string.Join(' ', Enumerable.Repeat("good", 20)), "the film", answer: ""), "Answer", "its question has 20 tokens"),
            (Asked("good", string.Join(' ', Enumerable.Repeat("a", 50)), answer: string.Join(' ', Enumerable.Repeat("a", 30))), "Answer",
                "has 30 tokens, and no window has it whole"),
            (Asked("good", string.Join(' ', Enumerable.Repeat("a", 300)), answer: ""), "Answer", "its context has 300 tokens"),
        ];
        var task = LearningTask.QuestionAnswering(maximumAnswerTokens: 3, maximumContextTokens: 200);
        foreach (var (row, label, reason) in bad)
        {
            var options = SmallAnswers.Options with { Task = task, Epochs = 1, LabelColumnName = label };
            var error = Assert.ThrowsExactly<InvalidDataException>(() => Fit(options, [.. s_train[..20], row]).Dispose());
            Assert.Contains(reason, error.Message);
        }
        var allWrong = s_train.Take(20).Select(row => Asked(row.Question, row.Context, answer: "nowhere")).ToArray();
        Assert.Contains("has the answer 'nowhere', which is not in the context",
            Assert.ThrowsExactly<InvalidDataException>(() => Fit(SmallAnswers.Options with { Task = task }, allWrong).Dispose()).Message);
        var skips = SmallAnswers.Options with { Task = task, Epochs = 1, BadRows = BadRows.Skip(0.5f) };
        using var model = Fit(skips, [.. s_train[..40], bad[0].Row, bad[7].Row]);
        CollectionAssert.AreEqual(new long[] { 40, 41 }, model.Report!.BadRows.Select(row => row.Ordinal).ToArray());

        var log = new LogLines(_ml);
        var scored = model.Transform(SmallAnswers.View(_ml, [bad[7].Row, .. s_test[..3]]));
        Assert.AreEqual("", scored.GetColumn<string>("PredictedAnswer").First());
        Assert.IsEmpty(scored.GetColumn<int[]>("PredictedSpan").First());
        CollectionAssert.AreEqual(
            new[] { true, false, false, false }, scored.GetColumn<float>("NoAnswerProbability").Select(float.IsNaN).ToArray());
        Assert.Contains("its context is empty", log.ToString());
        Assert.AreEqual(1, _ml.FineTuning.EvaluateQuestionAnswering(scored, "Answer").RowsLeftOut);
        Assert.AreEqual(4, _ml.FineTuning.EvaluateQuestionAnswering(scored, "Answer", scoreColumnName: null).Rows);
        var wrong = model.Transform(SmallAnswers.View(_ml, [bad[2].Row]));
        Assert.Contains("Row 0: ", Assert.Throws<InvalidOperationException>(
            () => _ml.FineTuning.EvaluateQuestionAnswering(wrong, "Span")).Message);
    }

    [TestMethod]
    public void AnswersThatAreTooLongToBePredictedAreCounted()
    {
        var log = new LogLines(_ml);
        var row = Asked("good", "a very very good film", answer: "very very good film");
        using var model = Fit(SmallAnswers.Options with { Epochs = 1 }, [.. s_train[..20], row]);
        Assert.Contains("1 of 21 answers have more than 3 tokens, which no predicted answer has", log.ToString());
    }

    [TestMethod]
    public void DataWithoutAnswersAreRefusedAndThoseWithAnswersOnlySaySo()
    {
        var none = s_train.Where(row => row.Answer.Length == 0).ToArray();
        var error = Assert.Throws<InvalidOperationException>(() => Fit(SmallAnswers.Options, none).Dispose());
        Assert.Contains("Training needs rows with an answer, but column 'Answer' has none", error.Message);
        var log = new LogLines(_ml);
        using var model = Fit(SmallAnswers.Options with { Epochs = 1 }, [.. s_train.Where(row => row.Answer.Length > 0)]);
        Assert.Contains("All training rows have an answer", log.ToString());
    }

    [TestMethod]
    public void MetricsChooseTheEpochAndTheReportShowsTheWorstMistakes()
    {
        var folder = SmallPictures.NewFolder();
        using var model = Fit(SmallAnswers.Options with
        {
            Validation = ValidationData.Set(Test),
            Metric = Metric.ExactMatch,
            Epochs = 4,
            RunFolder = folder,
        });
        var best = model.Report!.Epochs.MaxBy(epoch => epoch.Metrics["ExactMatch"])!;
        var metrics = Evaluate(model);
        Assert.AreEqual(best.Metrics["ExactMatch"], metrics.ExactMatch, 1e-9);
        Assert.AreEqual(best.Metrics["AnswerF1"], metrics.F1, 1e-9);

        var page = File.ReadAllText(Path.Combine(folder, "report.html"));
        Assert.Contains("Answers on the validation rows", page);
        Assert.Contains("without an answer", page);
        var mistakes = s_test.Zip(Answers(model)).Where(pair => pair.First.Answer != pair.Second).ToArray();
        Assert.IsNotEmpty(mistakes);
        Assert.IsTrue(mistakes.Any(pair => page.Contains($"{pair.First.Question} | {pair.First.Context}", StringComparison.Ordinal)),
            "no text is in the report");
    }

    [TestMethod]
    public void TheThresholdIsTunedOnTheValidationRowsAndSaved()
    {
        var log = new LogLines(_ml);
        var options = SmallAnswers.Options with { Epochs = 3, Validation = ValidationData.Set(Test) };
        DecisionThreshold recall = DecisionThreshold.Recall(1);
        using var tuned = Fit(options with { Task = Answering(recall) });
        Assert.Contains("Threshold of no answer tuned by Recall(1) on 80 validation rows", log.ToString());
        Assert.AreEqual(1, Evaluate(tuned).WithoutAnswer.ExactMatch); // all rows without an answer are found
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, tuned)), out _);
        Assert.AreEqual(tuned.ProbabilityThreshold, loaded.ProbabilityThreshold);
        CollectionAssert.AreEqual(Answers(tuned), Answers(loaded));

        using var eager = Fit(options with { Task = Answering(DecisionThreshold.Fixed(0.999999f)) });
        Assert.IsGreaterThan(
            s_test.Count(row => row.Answer.Length > 0), Answers(eager).Count(answer => answer.Length > 0), "the threshold is not used");
        Assert.Contains("needs validation", Assert.ThrowsExactly<ArgumentException>(
            () => Fit(SmallAnswers.Options with { Task = Answering(recall) })).Message);
        var all = options with
        {
            Task = Answering(recall),
            Validation = ValidationData.Set(SmallAnswers.View(
            _ml, s_test.Where(row => row.Answer.Length > 0)))
        };
        using var untuned = Fit(all with { Epochs = 1 });
        Assert.Contains("The threshold of no answer stays at the probability 0.5", log.ToString());

        static LearningTask Answering(DecisionThreshold threshold) =>
            LearningTask.QuestionAnswering(maximumAnswerTokens: 3, noAnswerThreshold: threshold);
    }

    [TestMethod]
    public void ASplitKeepsItsShareOfRowsWithoutAnswer()
    {
        using var model = Fit(SmallAnswers.Options with { Epochs = 1, Validation = ValidationData.Fraction(0.2f) });
        Assert.AreEqual(0.2 * s_train.Length, model.Report!.ValidationRows, 1);
    }

    [TestMethod]
    public void StrategiesAdaptersAndActivationCheckpointingWork()
    {
        var lora = Adapter.Lora(rank: 4, targets: ["query", "value"]);
        using (var adapted = Fit(SmallAnswers.Options with { Adapter = lora, Epochs = 2 }))
        {
            using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, adapted)), out _);
            AssertSameScores(adapted, loaded, 1e-5f);
            var file = Path.Combine(SmallPictures.NewFolder(), "answers.adapter.safetensors");
            adapted.SaveAdapter(file);
            using var again = _ml.Model.LoadAdapter(file, SmallTexts.Backbone);
            AssertSameScores(adapted, again, 1e-5f);
        }
        using var head = Fit(SmallAnswers.Options with { Strategy = Strategy.HeadOnly, Epochs = 1 });
        Assert.IsNull(head.Report!.FeatureCache);
        using var usual = Fit(SmallAnswers.Options with { Epochs = 1 });
        using var checkpointed = Fit(SmallAnswers.Options with { Epochs = 1, ActivationCheckpointing = true });
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(usual), SmallTraining.WeightsOf(checkpointed));
        using var continued = Fit(SmallAnswers.Options with { Backbone = TextBackbone.FromModel(usual), Epochs = 1 });
        Assert.IsTrue(continued.Layers.All(layer => layer.TrainedParameters > 0));
        foreach (var kind in new[] { "distilbert", "mpnet", "modernbert" })
        {
            var backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder(kind));
            using var other = Fit(SmallAnswers.Options with { Backbone = backbone, Epochs = 1 });
            Assert.HasCount(s_test.Length, Answers(other));
        }
    }

    [TestMethod]
    public void AStoppedTrainingResumesWithTheSameWeights() => SmallTexts.AssertResumes(
        options => Fit(options), SmallAnswers.Options with { Epochs = 3, Validation = ValidationData.Set(Test) });

    [TestMethod]
    public void WhatDoesNotApplyIsRefusedByName()
    {
        using var classifier = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 1 })
            .Fit(SmallTexts.View(_ml, SmallTexts.Take(16)));
        (TextFineTuningOptions Options, string Message)[] refused =
        [
            (SmallAnswers.Options with { SecondTextColumnName = null }, "name it in SecondTextColumnName"),
            (SmallAnswers.Options with { Truncation = TextTruncation.KeepEnd }, "overlapping windows"),
            (SmallAnswers.Options with { FeatureCache = FeatureCache.InFolder("x") }, "FeatureCache"),
            (SmallAnswers.Options with { Sampling = Sampling.Balanced }, "QuestionAnswering has no classes"),
            (SmallAnswers.Options with { Distillation = Distillation.From(classifier) }, "Distillation teaches classes of rows"),
            (SmallAnswers.Options with { ScoreColumnName = "PredictedAnswer" }, "are both 'PredictedAnswer'"),
            (SmallAnswers.Options with { Conformal = new ConformalPrediction() }, "QuestionAnswering has none"),
        ];
        foreach (var (options, message) in refused)
            Assert.Contains(message, Assert.ThrowsExactly<ArgumentException>(() => _ml.FineTuning.FineTuneText(options)).Message);
        var error = Assert.ThrowsExactly<InvalidOperationException>(() => Fit(SmallAnswers.Options with
        {
            Metric = Metric.EntityF1,
            Validation = ValidationData.Fraction(0.2f),
        }).Dispose());
        Assert.Contains("it has Loss, ExactMatch, AnswerF1", error.Message);
        Assert.Contains("FineTuneText", Assert.ThrowsExactly<ArgumentException>(() => _ml.FineTuning.FineTuneImages(
            SmallTraining.Options with { Task = LearningTask.QuestionAnswering() })).Message);
        Assert.ThrowsExactly<ArgumentException>(() => new TaskHead("Answer", LearningTask.QuestionAnswering()));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LearningTask.QuestionAnswering(maximumAnswerTokens: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LearningTask.QuestionAnswering(maximumContextTokens: 1 << 17));
        Assert.AreEqual(
            "QuestionAnswering(maximumAnswerTokens: 30, noAnswerThreshold: Default, maximumContextTokens: 4096)",
            LearningTask.QuestionAnswering().ToString());
    }

    [TestMethod]
    public void MissingColumnsAndWrongTypesAreMlNetsErrors()
    {
        (TextFineTuningOptions Options, string Message)[] wrong =
        [
            (SmallAnswers.Options with { LabelColumnName = "Missing" }, "Missing"),
            (SmallAnswers.Options with { SecondTextColumnName = "Missing" }, "Missing"),
            (SmallAnswers.Options with { LabelColumnName = nameof(QuestionRow.Weight) }, AnswerColumn.Expected),
            (SmallAnswers.Options with { SecondTextColumnName = nameof(QuestionRow.Span) }, "Text"),
        ];
        foreach (var (options, message) in wrong)
            Assert.Contains(message, Assert.Throws<Exception>(() => Fit(options, s_train[..20]).Dispose()).Message);
        using var model = Fit(SmallAnswers.Options with { Epochs = 1 }, s_train[..20]);
        var scored = model.Transform(Test);
        Assert.Contains("acceptable answers", Assert.Throws<Exception>(
            () => _ml.FineTuning.EvaluateQuestionAnswering(scored, nameof(QuestionRow.Weight))).Message);
        Assert.Contains("Nowhere", Assert.Throws<Exception>(
            () => _ml.FineTuning.EvaluateQuestionAnswering(scored, nameof(QuestionRow.Span), contextColumnName: "Nowhere")).Message);
        var shapes = _ml.FineTuning.FineTuneText(SmallAnswers.Options).GetOutputSchema(Tests.Data.SchemaTests.ShapeOf(Test.Schema));
        foreach (var column in model.GetOutputSchema(Test.Schema).Skip(Test.Schema.Count))
        {
            var shape = shapes.Single(promised => promised.Name == column.Name);
            var vector = column.Type as VectorDataViewType;
            Assert.AreEqual(vector?.ItemType ?? column.Type, shape.ItemType);
            Assert.AreEqual(
                vector is null ? SchemaShape.Column.VectorKind.Scalar : SchemaShape.Column.VectorKind.VariableVector, shape.Kind);
        }
    }

    private static QuestionRow Asked(string question, string context, string answer = "", int[]? span = null) =>
        new() { Question = question, Context = context, Answer = answer, Span = span ?? [] };

    private string[] Answers(FineTuningTransformer model, QuestionRow[]? rows = null) =>
        [.. model.Transform(SmallAnswers.View(_ml, rows ?? s_test)).GetColumn<string>("PredictedAnswer")];

    private void AssertSameScores(FineTuningTransformer one, FineTuningTransformer other, float tolerance) => SmallTraining.AssertClose(
        [one.Transform(Test).GetColumn<float>("NoAnswerProbability").ToArray()],
        [other.Transform(Test).GetColumn<float>("NoAnswerProbability").ToArray()], tolerance);

    private QuestionAnsweringMetrics Evaluate(FineTuningTransformer model) =>
        _ml.FineTuning.EvaluateQuestionAnswering(model.Transform(Test), nameof(QuestionRow.Answer));

    private FineTuningTransformer Fit(TextFineTuningOptions options, QuestionRow[]? rows = null) =>
        _ml.FineTuning.FineTuneText(options).Fit(SmallAnswers.View(_ml, rows ?? s_train));

    private sealed class Prediction
    {
        public string PredictedAnswer { get; set; } = "";

        public int[] PredictedSpan { get; set; } = [];

        public float Score { get; set; }

        public float NoAnswerProbability { get; set; }
    }
}
