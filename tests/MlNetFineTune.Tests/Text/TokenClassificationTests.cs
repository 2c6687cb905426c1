using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Text;

/// <summary>Labels of words through ML.NET: fit, evaluate, save, load in another process, one row at a time.</summary>
[TestClass]
public sealed class TokenClassificationTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly WordsRow[] _test = SmallWords.Take(60, seed: 2);

    private IDataView Train => SmallWords.View(_ml, SmallWords.Take(200));

    private IDataView Test => SmallWords.View(_ml, _test);

    [TestMethod]
    public void AModelIsFittedEvaluatedSavedAndLoadedInAnotherProcess()
    {
        using var model = Fit(SmallWords.Options);
        var scored = model.Transform(Test);
        var metrics = Evaluate(model);
        Assert.IsGreaterThan(0.85, metrics.EntityF1);
        Assert.IsGreaterThan(0.8, metrics.StrictEntityF1);
        Assert.IsGreaterThan(0.9, metrics.WordAccuracy);
        Assert.AreEqual(60, metrics.Rows);
        CollectionAssert.AreEqual(new[] { "O", "B-CON", "I-CON", "B-PRO", "I-PRO" }, model.Classes.ToArray());

        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.Save(model, Test.Schema, path);
        var scores = scored.GetColumn<float[]>("Score").ToArray();
        using var loaded = (FineTuningTransformer)_ml.Model.Load(path, out _);
        SmallTraining.AssertSameBits(scores, [.. loaded.Transform(Test).GetColumn<float[]>("Score")]);
        CollectionAssert.AreEqual(model.Classes.ToArray(), loaded.Classes.ToArray());

        var printed = LoadOnly.Run([path, .. _test.Select(row => string.Join(' ', row.Words))]);
        var expected = scores.Select(row => string.Join(
            ' ', row.Select(score => BitConverter.SingleToInt32Bits(score).ToString("X8"))));
        CollectionAssert.AreEqual(
            expected.ToArray(), printed.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [TestMethod]
    public async Task ColumnsMapToAClassOfTheUser()
    {
        using var model = Fit(SmallWords.Options);
        using var engine = _ml.Model.CreatePredictionEngine<WordsRow, Prediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        var spans = 0;
        foreach (var row in _test)
        {
            var prediction = engine.Predict(row);
            Assert.HasCount(row.Words.Length, prediction.PredictedLabel);
            Assert.HasCount(row.Words.Length * model.Classes.Count, prediction.Score);
            foreach (var (word, ofWord) in prediction.Score.Chunk(model.Classes.Count).Index())
            {
                Assert.AreEqual(1, ofWord.Sum(), 1e-5);
                Assert.AreEqual(model.Classes[Array.IndexOf(ofWord, ofWord.Max())], prediction.PredictedLabel[word]);
            }
            var tags = Array.ConvertAll(prediction.PredictedLabel, label => EntityTag.TryParse(label, out var tag) ? tag : default);
            var text = string.Join(' ', row.Words);
            var found = EntitySpan.From(prediction.PredictedSpans, prediction.PredictedSpanTypes);
            CollectionAssert.AreEqual(
                EntityTags.Lenient(tags), found.Select(span => new WordSpan(span.Type, span.FirstWord, span.EndWord)).ToList());
            foreach (var span in found)
                Assert.AreEqual(string.Join(' ', row.Words[span.FirstWord..span.EndWord]), text[span.Start..span.End]);
            spans += found.Count;
        }
        Assert.IsGreaterThan(60, spans);
        Assert.IsEmpty(engine.Predict(new WordsRow()).PredictedLabel);
        await using var predictor = _ml.Model.CreatePredictor<WordsRow, Prediction>(model);
        foreach (var (row, served) in _test.Zip(await Task.WhenAll(_test.Select(row => predictor.PredictAsync(row)))))
            CollectionAssert.AreEqual(engine.Predict(row).PredictedLabel, served.PredictedLabel);
        Assert.ThrowsExactly<ArgumentException>(() => EntitySpan.From([1, 2, 3], ["A"]));

        var schema = model.GetOutputSchema(Test.Schema);
        VBuffer<ReadOnlyMemory<char>> names = default;
        schema["Score"].Annotations.GetValue("TrainingLabelValues", ref names);
        CollectionAssert.AreEqual(model.Classes.ToArray(), names.DenseValues().Select(name => name.ToString()).ToArray());
    }

    [TestMethod]
    public void KeysAndPlainLabelsWork()
    {
        var map = _ml.Transforms.Conversion.MapValueToKey(nameof(WordsRow.Tags)).Fit(Train);
        using var keys = _ml.FineTuning.FineTuneText(SmallWords.Options).Fit(map.Transform(Train));
        using var texts = Fit(SmallWords.Options);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(texts), SmallTraining.WeightsOf(keys));
        var ofKeys = _ml.FineTuning.EvaluateTokenClassification(keys.Transform(map.Transform(Test)), nameof(WordsRow.Tags));
        Assert.AreEqual(Evaluate(texts).ToString(), ofKeys.ToString());

        var options = SmallWords.Options with { LabelColumnName = nameof(WordsRow.Kinds), Epochs = 4 };
        using var plain = Fit(options);
        CollectionAssert.AreEqual(new[] { "CON", "PRO", "other" }, plain.Classes.ToArray());
        var metrics = _ml.FineTuning.EvaluateTokenClassification(plain.Transform(Test), nameof(WordsRow.Kinds));
        Assert.IsGreaterThan(0.9, metrics.WordAccuracy);
        Assert.IsTrue(plain.Transform(Test).GetColumn<int[]>("PredictedSpans").All(spans => spans.Length == 0));
    }

    [TestMethod]
    public void OtherSchemesGiveTheSameModel()
    {
        var rows = SmallWords.Take(60);
        using var iob2 = Fit(SmallWords.Options with { Epochs = 1 }, rows);
        foreach (var (scheme, stated) in new[]
        {
            (LabelScheme.Iob1, LabelScheme.Recognize), (LabelScheme.Bioes, LabelScheme.Recognize), (LabelScheme.Bioes, LabelScheme.Bioes),
        })
        {
            var converted = rows.Select(row => new WordsRow { Words = row.Words, Tags = Written(row.Tags, scheme) }).ToArray();
            using var model = Fit(SmallWords.Options with { Epochs = 1, Task = LearningTask.TokenClassification(stated) }, converted);
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(iob2), SmallTraining.WeightsOf(model), $"{scheme}, stated {stated}");
        }
    }

    [TestMethod]
    public void StatedIob1IsPredictedAsIob1()
    {
        var rows = SmallWords.Take(200).Select(row => new WordsRow { Words = row.Words, Tags = Written(row.Tags, LabelScheme.Iob1) });
        var options = SmallWords.Options with
        {
            Task = LearningTask.TokenClassification(LabelScheme.Iob1),
            Validation = ValidationData.Set(Test), // IOB2: stated schemes are those of all data
        };
        var error = Assert.ThrowsExactly<InvalidDataException>(() => Fit(options, [.. rows]).Dispose());
        Assert.Contains("LabelScheme.Iob1 does not allow", error.Message);

        using var model = Fit(options with { Validation = ValidationData.None }, [.. rows]);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);
        var predicted = loaded.Transform(Test).GetColumn<string[]>("PredictedLabel").SelectMany(labels => labels).ToArray();
        Assert.IsGreaterThan(2 * predicted.Count(label => label.StartsWith('B')), predicted.Count(label => label.StartsWith('I')));
        var metrics = Evaluate(loaded);
        Assert.IsGreaterThan(0.75, metrics.EntityF1); // entities of one type often follow each other here
        Assert.IsGreaterThan(0.75, metrics.StrictEntityF1);
        Assert.IsGreaterThan(0.9, metrics.WordAccuracy);
    }

    [TestMethod]
    public void TheLossIsTheMeanOverAllWordsOfTheStep()
    {
        var options = SmallWords.Options with { Epochs = 2 };
        using var whole = Fit(options);
        using var split = Fit(options with { MaxTokens = 40 });
        AssertSameScores(whole, split, 5e-4f);
        using var accumulated = Fit(options with { BatchSize = 4, AccumulationSteps = 4 });
        AssertSameScores(whole, accumulated, 5e-4f);
    }

    [TestMethod]
    public void TheLossOfABatchIsThatOfANaiveTwin()
    {
        using var scope = NewDisposeScope();
        var tags = WordTags.Of(["O", "B-A", "I-A"], LabelScheme.Recognize, "Label");
        float[] weights = [1, 2, 0.5f], ofRows = [3, 0.25f];
        var objective = new TokenObjective(tags, maximumWords: 4, weights);
        float[] labels = [0, 1, 2, float.NaN, 1, float.NaN, float.NaN, float.NaN];
        var source = new LabeledData(new NoInputs(2), labels, [0, 1], groups: null, withoutLabel: 0, ofRows, labelWidth: 4);
        var values = Formula.Values("logits", [2, 3, 3]);
        for (var i = 12; i < 18; i++)
            values[i] = float.NaN; // words beyond the end of the second row
        var outputs = tensor(values.Select(value => (float)value).ToArray(), [2, 3, 3], ScalarType.Float32).requires_grad_();
        var targets = objective.TargetsOf(new RowSubset(source, [0, 1]), [0, 1], mix: null, CPU);

        var (sum, count) = (0.0, 0.0);
        foreach (var (row, word, label) in new[] { (0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 1) })
        {
            double[] logits = [.. Enumerable.Range(0, 3).Select(i => (double)values[(row * 3 + word) * 3 + i])];
            var weight = weights[label] * ofRows[row];
            sum += weight * (Math.Log(logits.Sum(Math.Exp)) - logits[label]);
            count += weight;
        }
        var loss = objective.Loss(outputs, targets);
        Assert.AreEqual(sum / count, loss.item<float>(), 1e-6);
        Assert.AreEqual(count, objective.CountOf(targets), 1e-6);
        Assert.AreEqual(count, objective.ReportedCountOf(targets, rows: 2), 1e-6);
        var (evaluated, total) = objective.EvaluateLoss(outputs, targets);
        Assert.AreEqual(sum, evaluated, 1e-5);
        Assert.AreEqual(count, total, 1e-6);

        loss.backward();
        Assert.IsTrue(outputs.grad!.Values().All(double.IsFinite), "the gradient of missing words is not 0");
    }

    [TestMethod]
    public void LongRowsLoseNoWord()
    {
        var options = SmallWords.Options with { MaximumLength = 12 };
        var log = new LogLines(_ml);
        using var model = Fit(options, [.. SmallWords.Take(200), SmallWords.Long(90)]);
        Assert.Contains("overlapping windows", log.ToString());
        WordsRow[] rows = [SmallWords.Long(200, seed: 5), .. _test.Take(3)];
        var predicted = model.Transform(SmallWords.View(_ml, rows)).GetColumn<string[]>("PredictedLabel").ToArray();
        Assert.HasCount(rows[0].Words.Length, predicted[0]);
        var right = predicted[0].Zip(rows[0].Tags).Count(pair => pair.First == pair.Second);
        Assert.IsGreaterThan(0.85 * predicted[0].Length, right);
        // A long row does not change the short ones beside it.
        CollectionAssert.AreEqual(
            model.Transform(SmallWords.View(_ml, rows[1..])).GetColumn<string[]>("PredictedLabel").SelectMany(all => all).ToArray(),
            predicted[1..].SelectMany(all => all).ToArray());
    }

    [TestMethod]
    public void WordsWithoutTokensHaveLabels()
    {
        using var model = Fit(SmallWords.Options with { Epochs = 1 });
        WordsRow[] rows = [new() { Words = ["good", "\u0001\u200b", "", "film"] }];
        Assert.HasCount(4, model.Transform(SmallWords.View(_ml, rows)).GetColumn<string[]>("PredictedLabel").Single());
    }

    [TestMethod]
    public void RowsThatCannotBeUsedSayWhy()
    {
        (WordsRow Row, string Reason)[] bad =
        [
            (new() { Words = ["good", "film"], Tags = ["B-PRO"] }, "it has 2 words, and column 'Tags' has 1 labels"),
            (new() { Words = ["good", "film"], Tags = ["B-PRO", ""] }, "column 'Tags' has no label for word 2 ('film')"),
            (new() { Words = ["good", "film"], Tags = ["O", "I-PRO"] }, "word 2 ('film') has the label 'I-PRO' after 'O'"),
            (new() { Words = [.. Enumerable.Repeat("a", 600)], Tags = [.. Enumerable.Repeat("O", 600)] }, "it has 600 words, and at"),
        ];
        var task = LearningTask.TokenClassification(LabelScheme.Iob2);
        foreach (var (row, reason) in bad)
        {
            var error = Assert.ThrowsExactly<InvalidDataException>(
                () => Fit(SmallWords.Options with { Task = task, Epochs = 1 }, [.. SmallWords.Take(20), row]).Dispose());
            Assert.Contains(reason, error.Message);
        }
        WordsRow[] rows = [.. SmallWords.Take(40), .. bad.Select(one => one.Row), new WordsRow { Words = ["film"] }];
        using var model = Fit(SmallWords.Options with { Task = task, Epochs = 1, BadRows = BadRows.Skip(0.5f) }, rows);
        CollectionAssert.AreEqual(new long[] { 40, 41, 42, 43 }, model.Report!.BadRows.Select(row => row.Ordinal).ToArray());
        Assert.AreEqual(1, model.Report.RowsWithoutLabel);

        var log = new LogLines(_ml);
        var scored = model.Transform(SmallWords.View(_ml, [bad[3].Row, .. _test.Take(2)]));
        CollectionAssert.AreEqual(
            new[] { 0, _test[0].Words.Length, _test[1].Words.Length },
            scored.GetColumn<string[]>("PredictedLabel").Select(labels => labels.Length).ToArray());
        Assert.Contains("600 words", log.ToString());
        Assert.AreEqual(1, _ml.FineTuning.EvaluateTokenClassification(scored, nameof(WordsRow.Tags)).RowsLeftOut);
    }

    [TestMethod]
    public void AnUnknownLabelOfTheValidationDataIsAnError()
    {
        var other = SmallWords.View(_ml, [new WordsRow { Words = ["good"], Tags = ["B-NEW"] }]);
        var error = Assert.Throws<InvalidOperationException>(
            () => Fit(SmallWords.Options with { Validation = ValidationData.Set(other), Epochs = 1 }).Dispose());
        Assert.Contains("'B-NEW'", error.Message);
    }

    [TestMethod]
    public void MetricsChooseTheEpochAndTheReportShowsTypesAndTexts()
    {
        var folder = SmallPictures.NewFolder();
        using var model = Fit(SmallWords.Options with
        {
            Validation = ValidationData.Set(Test),
            Metric = Metric.EntityF1,
            Epochs = 3,
            RunFolder = folder,
        });
        var epochs = model.Report!.Epochs;
        var best = epochs.MaxBy(epoch => epoch.Metrics["EntityF1"])!;
        var metrics = Evaluate(model);
        Assert.AreEqual(best.Metrics["EntityF1"], metrics.EntityF1, 1e-9);
        Assert.AreEqual(best.Metrics["StrictEntityF1"], metrics.StrictEntityF1, 1e-9);
        Assert.AreEqual(best.Metrics["EntityPrecision"], metrics.EntityPrecision, 1e-9);
        Assert.AreEqual(best.Metrics["EntityRecall"], metrics.EntityRecall, 1e-9);
        Assert.AreEqual(best.Metrics["WordAccuracy"], metrics.WordAccuracy, 1e-9);

        var page = File.ReadAllText(Path.Combine(folder, "report.html"));
        Assert.Contains("Entities on the validation rows", page);
        Assert.Contains("CON", page);
        Assert.IsTrue(_test.Any(row => page.Contains(string.Join(' ', row.Words), StringComparison.Ordinal)), "no text is in the report");
    }

    [TestMethod]
    public void StrategiesAdaptersAndActivationCheckpointingWork()
    {
        var lora = Adapter.Lora(rank: 4, targets: ["query", "value"]);
        using (var adapted = Fit(SmallWords.Options with { Adapter = lora, Epochs = 12, LearningRate = 2e-2f }))
        {
            Assert.IsGreaterThan(0.2, Evaluate(adapted).EntityF1);
            var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
            _ml.Model.Save(adapted, Test.Schema, path);
            using var loaded = (FineTuningTransformer)_ml.Model.Load(path, out _);
            AssertSameScores(adapted, loaded, 1e-5f);
            var file = Path.Combine(SmallPictures.NewFolder(), "words.adapter.safetensors");
            adapted.SaveAdapter(file);
            using var again = _ml.Model.LoadAdapter(file, SmallTexts.Backbone);
            AssertSameScores(adapted, again, 1e-5f);
        }
        using var head = Fit(SmallWords.Options with { Strategy = Strategy.HeadOnly, Epochs = 2 });
        Assert.IsNull(head.Report!.FeatureCache);
        using var gradual = Fit(SmallWords.Options with { Strategy = Strategy.Gradual(layerDecay: 0.9f), Epochs = 4 });
        Assert.IsTrue(gradual.Layers.All(layer => layer.TrainedParameters > 0));
        using var usual = Fit(SmallWords.Options with { Epochs = 1 });
        using var checkpointed = Fit(SmallWords.Options with { Epochs = 1, ActivationCheckpointing = true });
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(usual), SmallTraining.WeightsOf(checkpointed));
    }

    [TestMethod]
    public void AStoppedTrainingResumesWithTheSameWeights() => SmallTexts.AssertResumes(
        options => Fit(options), SmallWords.Options with { Epochs = 3, Validation = ValidationData.Set(Test) });

    [TestMethod]
    public void WhatDoesNotApplyIsRefusedByName()
    {
        using var teacher = Fit(SmallWords.Options with { Epochs = 1 });
        using var classifier = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 1 })
            .Fit(SmallTexts.View(_ml, SmallTexts.Take(16)));
        (TextFineTuningOptions Options, string Message)[] refused =
        [
            (SmallWords.Options with { SecondTextColumnName = "Other" }, "SecondTextColumnName"),
            (SmallWords.Options with { Truncation = TextTruncation.KeepEnd }, "overlapping windows"),
            (SmallWords.Options with { FeatureCache = FeatureCache.InFolder("x") }, "FeatureCache"),
            (SmallWords.Options with { Sampling = Sampling.Balanced }, "classWeights"),
            (SmallWords.Options with { Distillation = Distillation.From(classifier) }, "Distillation teaches classes of rows"),
        ];
        foreach (var (options, message) in refused)
            Assert.Contains(message, Assert.ThrowsExactly<ArgumentException>(() => _ml.FineTuning.FineTuneText(options)).Message);
        Assert.Contains("something else", Assert.Throws<ArgumentException>(() => Distillation.From(teacher)).Message);
        Assert.Contains("FineTuneText", Assert.ThrowsExactly<ArgumentException>(() => _ml.FineTuning.FineTuneImages(
            SmallTraining.Options with { Task = LearningTask.TokenClassification() })).Message);
        Assert.ThrowsExactly<ArgumentException>(() => new TaskHead("Tags", LearningTask.TokenClassification()));
        Assert.Throws<InvalidOperationException>(() => Fit(SmallWords.Options with
        {
            Task = LearningTask.TokenClassification(classWeights: ClassWeights.Of(("B-NO", 2))),
        }));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => LearningTask.TokenClassification(maximumWords: 0));
        Assert.AreEqual(
            "TokenClassification(scheme: Recognize, classWeights: None, maximumWords: 512)", LearningTask.TokenClassification().ToString());

        var text = _ml.Data.LoadFromEnumerable(SmallTexts.Take(4));
        var error = Assert.Throws<Exception>(() => _ml.FineTuning.FineTuneText(SmallWords.Options with
        {
            TextColumnName = "Text",
            LabelColumnName = "Kind",
        }).Fit(text));
        Assert.Contains("Vector<Text>", error.Message);
    }

    [TestMethod]
    public void AnEarlierModelIsContinuedAndWeightsOfLabelsCount()
    {
        using var earlier = Fit(SmallWords.Options);
        using var continued = Fit(SmallWords.Options with { Backbone = TextBackbone.FromModel(earlier), Epochs = 2 });
        Assert.IsGreaterThan(0.7, Evaluate(continued).EntityF1);
        using var weighed = Fit(SmallWords.Options with
        {
            Epochs = 2,
            Task = LearningTask.TokenClassification(classWeights: ClassWeights.Balanced),
            ExampleWeightColumnName = nameof(WordsRow.Weight),
        });
        Assert.IsGreaterThan(0.1, Evaluate(weighed).EntityRecall);
    }

    // IOB2 in another scheme.
    private static string[] Written(string[] tags, LabelScheme scheme) => [.. tags.Select((tag, word) =>
    {
        if (tag == "O")
            return tag;
        var (type, before, after) = (tag[2..], word > 0 ? tags[word - 1] : "O", word + 1 < tags.Length ? tags[word + 1] : "O");
        if (scheme == LabelScheme.Iob1)
            return (tag[0] == 'B' && before.EndsWith("-" + type, StringComparison.Ordinal) ? "B-" : "I-") + type;
        var isLast = after != "I-" + type;
        return (tag[0] == 'B' ? isLast ? "S-" : "B-" : isLast ? "E-" : "I-") + type;
    })];

    private void AssertSameScores(FineTuningTransformer one, FineTuningTransformer other, float tolerance) => SmallTraining.AssertClose(
        [.. one.Transform(Test).GetColumn<float[]>("Score")], [.. other.Transform(Test).GetColumn<float[]>("Score")], tolerance);

    private TokenClassificationMetrics Evaluate(FineTuningTransformer model) =>
        _ml.FineTuning.EvaluateTokenClassification(model.Transform(Test), nameof(WordsRow.Tags));

    private FineTuningTransformer Fit(TextFineTuningOptions options, WordsRow[]? rows = null) =>
        _ml.FineTuning.FineTuneText(options).Fit(rows is null ? Train : SmallWords.View(_ml, rows));

    private sealed class Prediction
    {
        public string[] PredictedLabel { get; set; } = [];

        public float[] Score { get; set; } = [];

        public int[] PredictedSpans { get; set; } = [];

        public string[] PredictedSpanTypes { get; set; } = [];
    }

    private sealed class NoInputs(int count) : Dataset
    {
        public override int Count => count;

        public override int Length => 0;

        public override string Noun => "row";

        public override string? Encode(
            int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation = default) =>
            null;

        public override void Dispose()
        {
        }
    }
}
