using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Modules;
using MlNetFineTune.Tests.Networks;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Models that score in ONNX Runtime: the same columns for every task, in batches as before, or libtorch with a reason.</summary>
[TestClass]
public sealed class OnnxScoringTests
{
    private const float Tolerance = 1e-4f;

    private readonly MLContext _ml = new(seed: 1);
    private readonly Photo[] _photos = SmallPictures.Take(8, skip: 20);

    private IDataView Photos => SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos));

    [TestMethod]
    public void ClassesAndProbabilitiesOfPicturesAreTheSame()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var onnx = Fast(model);
        AssertSameColumns(model.Transform(Photos), onnx.Transform(Photos));
        CollectionAssert.AreNotEqual(Bits(model), Bits(onnx), "the engine is another one");

        int[] Bits(FineTuningTransformer one) =>
            [.. SmallTraining.Scores(one.Transform(Photos)).SelectMany(row => SmallTraining.Bits(row))];
    }

    [TestMethod]
    [DataRow("binary")]
    [DataRow("regression")]
    [DataRow("ordinal")]
    public void ScalarTasksAreTheSame(string name)
    {
        using var model = ScalarModels.Load(_ml, name);
        using var onnx = Fast(model);
        var photos = MarkedPhoto.View(_ml, MarkedPhoto.Take(6, skip: 20));
        AssertSameColumns(model.Transform(photos), onnx.Transform(photos));
    }

    [TestMethod]
    public void SeveralHeadsOnPicturesAreTheSame()
    {
        var rows = SeveralRow.View(_ml, SeveralRow.Take(4));
        using var model = _ml.FineTuning.FineTuneImages(SeveralRow.Options with { Epochs = 1 }).Fit(rows);
        using var onnx = Fast(model);
        AssertSameColumns(model.Transform(rows), onnx.Transform(rows));
    }

    [TestMethod]
    public void ATableBesideThePictureGoesToTheHead()
    {
        var rows = FusedRow.View(_ml, FusedRow.Many(12));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(FusedRow.Options with { Epochs = 1 }).Fit(rows);
        using var onnx = Fast(model);
        AssertSameColumns(model.Transform(rows), onnx.Transform(rows));
    }

    [TestMethod]
    public void SetsAndNoveltyAreTheSame()
    {
        var options = SmallTraining.Options with
        {
            Validation = ValidationData.Fraction(0.5f),
            Conformal = new ConformalPrediction
            {
                Coverage = 0.75f,
                Novelty = ConformalPrediction.NoveltyScore.NearestNeighbors(3, 12, falseAlarmRate: 0.2f),
            },
        };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(10));
        using var onnx = Fast(model);
        AssertSameColumns(model.Transform(Photos), onnx.Transform(Photos));
    }

    [TestMethod]
    public void APoolingOfTheHeadGetsTheMaps()
    {
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Pooling = HeadPooling.Attention(4) }, SmallPictures.Take(6));
        using var onnx = Fast(model);
        AssertSameColumns(model.Transform(Photos), onnx.Transform(Photos));
    }

    [TestMethod]
    public void ViewsOfAPictureKeepTheEngine()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var onnx = Fast(model);
        using var expected = model.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        using var actual = onnx.WithTestTimeAugmentation(TestTimeAugmentation.Flip);
        using var direct = Fast(expected);
        Assert.AreEqual(onnx.ScoringEngine, actual.ScoringEngine);
        foreach (var other in (FineTuningTransformer[])[actual, direct])
            AssertSameColumns(expected.Transform(Photos), other.Transform(Photos));
    }

    [TestMethod]
    public void TextsWithEveryTaskAreTheSame()
    {
        using var model = SeveralTexts.Fit(_ml);
        AssertTrialHasPadding(model.Inputs);
        using var onnx = Fast(model);
        var rows = SeveralTexts.View(_ml, SeveralTexts.Take(40, seed: 2));
        AssertSameColumns(model.Transform(rows), onnx.Transform(rows));
    }

    [TestMethod]
    [DataRow("bert")]
    [DataRow("distilbert")]
    [DataRow("mpnet")]
    [DataRow("modernbert")]
    public void PairsOfTextsAreTheSame(string kind)
    {
        var options = SmallTexts.Options with
        {
            Backbone = TextBackbone.FromFolder(SmallTexts.CreateFolder(kind)),
            SecondTextColumnName = kind == "bert" ? nameof(TextRow.Second) : null,
            Epochs = 1,
        };
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(options).Fit(SmallTexts.View(_ml, SmallTexts.Take(32)));
        using var onnx = Fast(model);
        AssertTrialHasPadding(model.Inputs);
        var rows = SmallTexts.View(_ml, SmallTexts.Take(40, seed: 2));
        AssertSameColumns(model.Transform(rows), onnx.Transform(rows));
    }

    [TestMethod]
    public void LabelsOfWordsInOverlappingWindowsAreTheSame()
    {
        var options = SmallWords.Options with { Epochs = 1, MaximumLength = 12 };
        using var model = _ml.FineTuning.FineTuneText(options).Fit(SmallWords.View(_ml, SmallWords.Take(40)));
        using var onnx = Fast(model);
        AssertTrialHasPadding(model.Inputs);
        var rows = SmallWords.View(_ml, [.. SmallWords.Take(20, seed: 2), SmallWords.Long(30)]);
        AssertSameColumns(model.Transform(rows), onnx.Transform(rows));
    }

    [TestMethod]
    public void AnswersAreTheSame()
    {
        var options = SmallAnswers.Options with { Epochs = 2 };
        using var model = _ml.FineTuning.FineTuneText(options).Fit(SmallAnswers.View(_ml, SmallAnswers.Take(60)));
        using var onnx = Fast(model);
        AssertTrialHasPadding(model.Inputs);
        var rows = SmallAnswers.View(_ml, [.. SmallAnswers.Take(20, seed: 2), SmallAnswers.Long(40)]);
        AssertSameColumns(model.Transform(rows), onnx.Transform(rows));
    }

    [TestMethod]
    public void AModuleOfKnownLayersIsTheSame()
    {
        TorchLayers.Count(context => TorchLayers.Deep(context), count =>
        {
            AnyFactory.Make = context => TorchLayers.Deep(context);
            var rows = SmallModules.View(_ml, TableRow.Many(40));
            using var model = (FineTuningTransformer)_ml.MulticlassClassification.Trainers
                .FineTuneModule(SmallModules.Multiclass with { Factory = new AnyFactory(), Epochs = 2 }).Fit(rows);
            using var onnx = Fast(model);
            AssertSameColumns(model.Transform(rows), onnx.Transform(rows));
            count(1);
        });
    }

    [TestMethod]
    public async Task PredictorAndPredictionEngineScoreTheSame()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var onnx = Fast(model);
        var expected = SmallTraining.Scores(model.Transform(Photos));
        ServedPhoto[] rows = [.. _photos.Select(photo => new ServedPhoto(photo.ImagePath))];

        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(onnx);
        var served = await Task.WhenAll(rows.Select(row => predictor.PredictAsync(row)));
        SmallTraining.AssertClose(expected, [.. served.Select(row => row.Score)], Tolerance);

        using var engine = _ml.Model.CreatePredictionEngine<ServedPhoto, ServedClass>(
            onnx, new PredictionEngineOptions { OwnsTransformer = false });
        SmallTraining.AssertClose(expected, [.. rows.Select(row => engine.Predict(row).Score)], Tolerance);
    }

    [TestMethod]
    public void TheFileIsTheOrdinaryOneAndALoadedModelScoresWithLibtorch()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var onnx = Fast(model);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, onnx)), out _);

        Assert.AreEqual("libtorch", loaded.ScoringEngine);
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(Photos)), SmallTraining.Scores(loaded.Transform(Photos)));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(model), SmallTraining.WeightsOf(onnx));
        using var half = onnx.WithHalfPrecisionWeights();
        Assert.AreEqual("libtorch", half.ScoringEngine);
    }

    [TestMethod]
    public void EachModelIsDisposedIndependently()
    {
        var model = SmallTraining.LoadModel(_ml);
        var expected = SmallTraining.Scores(model.Transform(Photos));
        var onnx = Fast(model);
        var again = onnx.WithOnnxRuntime(); // without another session
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.WithOnnxRuntime());
        SmallTraining.AssertClose(expected, SmallTraining.Scores(onnx.Transform(Photos)), Tolerance);
        onnx.Dispose();
        onnx.Dispose();
        Assert.Throws<ObjectDisposedException>(() => SmallTraining.Scores(onnx.Transform(Photos)));
        SmallTraining.AssertClose(expected, SmallTraining.Scores(again.Transform(Photos)), Tolerance);
        again.Dispose();
        Assert.Throws<ObjectDisposedException>(() => SmallTraining.Scores(again.Transform(Photos)));
    }

    [TestMethod]
    public void ManyThreadsGetTheSameBitsUntilTheModelIsDisposed()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var onnx = Fast(model);
        var scored = onnx.Transform(Photos);
        var expected = SmallTraining.Scores(scored);
        var (refused, rounds) = (0, 0);
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            try
            {
                while (true)
                {
                    SmallTraining.AssertSameBits(expected, SmallTraining.Scores(scored));
                    Interlocked.Increment(ref rounds);
                }
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref refused);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        Assert.IsTrue(SpinWait.SpinUntil(() => Volatile.Read(ref rounds) >= 4, TimeSpan.FromMinutes(2)));

        onnx.Dispose();

        foreach (var thread in threads)
            thread.Join();
        Assert.AreEqual(4, refused);
    }

    [TestMethod]
    public void LayersOfAUserFallBackWithTheReason()
    {
        var log = new LogLines(_ml);
        var rows = SmallModules.View(_ml, TableRow.Many(20));
        using var model = (FineTuningTransformer)_ml.MulticlassClassification.Trainers
            .FineTuneModule(SmallModules.Multiclass with { Epochs = 1 }).Fit(rows);
        using var other = model.WithOnnxRuntime();

        AssertFellBack(model, other, rows, log, "run by themselves");
    }

    [TestMethod]
    public void AStageOfAUserFallsBackWithTheReason()
    {
        var log = new LogLines(_ml);
        var options = SmallTraining.Options with
        {
            Backbone = SmallTraining.Backbone.ReplaceStage("layer2", new SmallLayersFactory()),
            Epochs = 1,
        };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(3));
        using var other = model.WithOnnxRuntime();

        AssertFellBack(model, other, Photos, log, "of your own");
    }

    [TestMethod]
    public void BFloat16FallsBackWithTheReason()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { Epochs = 1, Precision = Precision.BFloat16 }, SmallPictures.Take(3));
        using var other = model.WithOnnxRuntime();

        AssertFellBack(model, other, Photos, log, "bfloat16");
    }

    [TestMethod]
    public void ASlowerEngineFallsBackWithBothTimes()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.LoadModel(_ml);
        using var other = OnnxScoringEngine.Of(model, Seconds(libTorch: 0.001, engine: 0.002));

        AssertFellBack(model, other, Photos, log, "it takes 2.0 ms where libtorch takes 1.0 ms");
    }

    [TestMethod]
    public void AnEngineThatFailsInTheTrialFallsBackWithTheReason()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.LoadModel(_ml);
        using var other = OnnxScoringEngine.Of(model, Failing);

        AssertFellBack(model, other, Photos, log, "it fails: ");
        var verdict = EngineTrial.Run(() => [1], () => throw Failure(), isRelative: true, mustBeFaster: false);
        Assert.AreEqual((false, false), (verdict.Agrees, verdict.IsAccepted));
        Assert.ThrowsExactly<DivideByZeroException>(
            () => EngineTrial.Run(() => [1], () => throw new DivideByZeroException(), isRelative: true, mustBeFaster: false));
    }

    [TestMethod]
    public void TheLogSaysTheEngineAndWhatTheTrialFound()
    {
        var log = new LogLines(_ml);
        using var model = SmallTraining.LoadModel(_ml);
        using var onnx = OnnxScoringEngine.Of(model, Seconds(libTorch: 0.002, engine: 0.001));

        StringAssert.StartsWith(onnx.ScoringEngine, "ONNX Runtime 1.");
        StringAssert.Contains(log.ToString(), $"Scoring in {onnx.ScoringEngine}: it takes 1.0 ms where libtorch takes 2.0 ms");
        Assert.IsEmpty(log.Warnings);
    }

    [TestMethod]
    [DataRow(0.5f, 0.50004f, false, true)]
    [DataRow(0.5f, 0.5002f, false, false)]
    [DataRow(300f, 300.02f, false, true)] // a number in a label's unit
    [DataRow(300f, 300.04f, false, false)]
    [DataRow(0.001f, 0.0011f, true, false)] // features are compared with the largest
    [DataRow(float.NaN, float.NaN, false, true)] // a word that a row does not have
    [DataRow(float.NaN, 0.5f, false, false)]
    [DataRow(0.5f, float.NaN, false, false)]
    [DataRow(0f, 0f, true, true)]
    public void OtherValuesAreRefused(float expected, float actual, bool isRelative, bool isAccepted)
    {
        var verdict = EngineTrial.Run(() => [expected], () => [actual], isRelative, mustBeFaster: false);
        Assert.AreEqual(isAccepted, verdict.IsAccepted, verdict.Reason);
        StringAssert.Contains(verdict.Reason, "values differ by up to");
        Assert.IsFalse(EngineTrial.Run(() => [1, 2], () => [1], isRelative, mustBeFaster: false).IsAccepted);
    }

    [TestMethod]
    [DataRow(5, true, 5)]
    [DataRow(100, false, 8)]
    public void SingleSlowMeasurementsDoNotRefuseTheEngine(int firstFast, bool isAccepted, int measured)
    {
        var runs = 0;
        var verdict = EngineTrial.Run(() => [1], () => [1], isRelative: false, mustBeFaster: true, Clock);
        Assert.AreEqual((isAccepted, measured), (verdict.IsAccepted, runs));

        double Clock(string engine, Action run) => engine == StageEngine.LibTorch ? 2 : ++runs < firstFast ? 9 : 1;
    }

    [TestMethod]
    public void AMissingNativeLibraryIsAnErrorThatNamesThePackage()
    {
        foreach (var cause in (Exception[])
            [new DllNotFoundException("x"), new TypeInitializationException("NativeMethods", new DllNotFoundException("x"))])
        {
            var error = Assert.ThrowsExactly<InvalidOperationException>(() => OnnxLibrary.Load<int>(() => throw cause));
            StringAssert.Contains(error.Message, "references the package Microsoft.ML.OnnxRuntime");
        }
        Assert.ThrowsExactly<FormatException>(() => OnnxLibrary.Load<int>(() => throw new FormatException()));
    }

    [TestMethod]
    public void NullIsRefused() => Assert.ThrowsExactly<ArgumentNullException>(() => OnnxRuntimeEngine.WithOnnxRuntime(null!));

    /// <summary>A clock that takes these times for a run of an engine.</summary>
    internal static Func<string, Action, double> Seconds(double libTorch, double engine) => (name, run) =>
    {
        run();
        return name == StageEngine.LibTorch ? libTorch : engine;
    };

    /// <summary>A clock in which the engine fails, as ONNX Runtime does.</summary>
    internal static double Failing(string name, Action run) => name == StageEngine.LibTorch ? 1 : throw Failure();

    private static OnnxRuntimeException Failure() =>
        Assert.ThrowsExactly<OnnxRuntimeException>(() => new InferenceSession(new byte[] { 1, 2, 3 }));

    private static FineTuningTransformer Fast(FineTuningTransformer model)
    {
        var onnx = OnnxScoringEngine.Of(model, Seconds(libTorch: 2, engine: 1));
        StringAssert.StartsWith(onnx.ScoringEngine, "ONNX Runtime 1.");
        Assert.AreEqual("libtorch", model.ScoringEngine);
        return onnx;
    }

    private static void AssertTrialHasPadding(ModelInput input)
    {
        var rows = EngineTrial.RowsOf(input);
        CollectionAssert.AreEqual(input.ProbeSample(), rows[..input.Length]);
        using var scope = NewDisposeScope();
        using var collator = input.CreateCollator(CPU);
        var mask = collator.Collate(rows, EngineTrial.Rows).Beside[TextInputNames.Mask];
        Assert.IsTrue(mask.any().item<bool>());
        Assert.IsFalse(mask.all().item<bool>());
    }

    private static void AssertFellBack(
        FineTuningTransformer model, FineTuningTransformer other, IDataView rows, LogLines log, string reason)
    {
        Assert.AreEqual("libtorch", other.ScoringEngine);
        var warning = log.Warnings.Single(line => line.Contains("Scoring in libtorch", StringComparison.Ordinal));
        StringAssert.Contains(warning, reason);
        SmallTraining.AssertSameBits(SmallTraining.Scores(model.Transform(rows)), SmallTraining.Scores(other.Transform(rows)));
    }

    // Of all rows: numbers to the tolerance, the others exactly.
    private static void AssertSameColumns(IDataView expected, IDataView actual)
    {
        var (wanted, found) = (expected.Preview(maxRows: 1000), actual.Preview(maxRows: 1000));
        CollectionAssert.AreEqual(
            wanted.Schema.Select(column => $"{column}").ToArray(), found.Schema.Select(column => $"{column}").ToArray());
        Assert.HasCount(wanted.RowView.Length, found.RowView);
        Assert.AreNotEqual(0, wanted.RowView.Length);
        foreach (var (row, (one, other)) in wanted.RowView.Zip(found.RowView).Index())
        {
            foreach (var (value, with) in one.Values.Zip(other.Values))
                AssertSame(Plain(value.Value), Plain(with.Value), $"row {row}, {value.Key}");
        }
    }

    private static void AssertSame(object expected, object actual, string what)
    {
        if (expected is not float[] numbers)
        {
            CollectionAssert.AreEqual((System.Collections.ICollection)expected, (System.Collections.ICollection)actual, what);
            return;
        }
        var others = (float[])actual;
        Assert.HasCount(numbers.Length, others, what);
        for (var i = 0; i < numbers.Length; i++)
        {
            if (!numbers[i].Equals(others[i]))
                Assert.AreEqual(numbers[i], others[i], Tolerance * Math.Max(1, Math.Abs(numbers[i])), $"{what}, {i}");
        }
    }

    private static object Plain(object value) => value switch
    {
        float number => new[] { number },
        VBuffer<float> numbers => numbers.DenseValues().ToArray(),
        VBuffer<uint> keys => keys.DenseValues().ToArray(),
        VBuffer<bool> flags => flags.DenseValues().ToArray(),
        VBuffer<int> counts => counts.DenseValues().ToArray(),
        VBuffer<ReadOnlyMemory<char>> texts => texts.DenseValues().Select(text => $"{text}").ToArray(),
        _ => new[] { $"{value}" },
    };
}
