using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>The user may dispose the model at any time; objects of the user are never disposed.</summary>
[TestClass]
public sealed class DisposalTests
{
    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(24).Take(70).ToArray();

    [TestMethod]
    public void ADisposedModelRefusesToScoreAndToBeSaved()
    {
        var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, _photos);
        var scored = model.Transform(view);
        var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(model, new PredictionEngineOptions { OwnsTransformer = false });
        engine.Predict(_photos[0]);

        model.Dispose();
        model.Dispose();

        AssertSaysDisposed(() => SmallTraining.Scores(scored));
        AssertSaysDisposed(() => SmallTraining.Scores(model.Transform(view)));
        AssertSaysDisposed(() => engine.Predict(_photos[0]));
        AssertSaysDisposed(() => model.SaveWeights(Path.Combine(SmallPictures.NewFolder(), "w.safetensors")));
        AssertSaysDisposed(() => SmallTraining.Save(_ml, model));
        engine.Dispose();

        void AssertSaysDisposed(Action action) =>
            StringAssert.Contains(Assert.Throws<ObjectDisposedException>(action).Message, "model was disposed");
    }

    [TestMethod]
    public void DisposingDuringACursorEndsItAtTheNextBatch()
    {
        var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(SmallPictures.View(_ml, _photos));
        using var cursor = scored.GetRowCursor([scored.Schema["Score"]]);
        Assert.IsTrue(cursor.MoveNext());

        model.Dispose();

        Assert.Throws<ObjectDisposedException>(() =>
        {
            while (cursor.MoveNext())
            {
            }
        });
    }

    [TestMethod]
    public void DisposingWhileManyThreadsScoreGivesScoresOrTheErrorAndNeverACrash()
    {
        var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(SmallPictures.View(_ml, _photos));
        var expected = SmallTraining.Scores(scored);
        var refused = 0;
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            try
            {
                while (true)
                    SmallTraining.AssertSameBits(expected, SmallTraining.Scores(scored));
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref refused);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        Thread.Sleep(100);

        model.Dispose();

        foreach (var thread in threads)
            thread.Join();
        Assert.AreEqual(4, refused);
    }

    [TestMethod]
    public void EightThreadsGetTheSameNumbers()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var expected = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));
        var one = new float[8][][];

        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            using var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
                model, new PredictionEngineOptions { OwnsTransformer = false });
            one[i] = [.. _photos.Select(photo => engine.Predict(photo).Score)];
        });

        foreach (var scores in one)
        {
            SmallTraining.AssertSameBits(one[0], scores);
            SmallTraining.AssertClose(expected, scores);
        }
    }

    [TestMethod]
    public void APredictionEngineThatOwnsTheModelDisposesIt()
    {
        var model = SmallTraining.LoadModel(_ml);

        _ml.Model.CreatePredictionEngine<Photo, Prediction>(model).Dispose();

        Assert.Throws<ObjectDisposedException>(() => SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos))));
    }

    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void TwoThousandPredictionsLeaveTensorsAndMemoryWhereTheyWere()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        Predict(300);
        var (tensors, bytes) = (torch.Tensor.TotalCount, Memory());

        Predict(2000);

        Assert.AreEqual(tensors, torch.Tensor.TotalCount);
        Assert.IsLessThan(30L << 20, Memory() - bytes);

        void Predict(int count)
        {
            for (var i = 0; i < count; i++)
                engine.Predict(_photos[i % _photos.Length]);
        }

        static long Memory()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            using var process = System.Diagnostics.Process.GetCurrentProcess();
            return process.WorkingSet64;
        }
    }

    [TestMethod]
    public void ImagesInAListAreFittedAndScoredTwiceAndStayTheUsers()
    {
        var rows = SmallPictures.Take(4)
            .Select(photo => new ImageRow { Label = photo.Label, Image = MLImage.CreateFromFile(photo.ImagePath) }).ToArray();
        var view = SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Options with { ImageColumnName = "Image", Validation = ValidationData.Set(view) });
        using var first = trainer.Fit(view);
        using var second = trainer.Fit(view);

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(first), SmallTraining.WeightsOf(second));
        SmallTraining.AssertSameBits(SmallTraining.Scores(first.Transform(view)), SmallTraining.Scores(first.Transform(view)));
        using (var engine = _ml.Model.CreatePredictionEngine<ImageRow, Prediction>(
            first, new PredictionEngineOptions { OwnsTransformer = false }))
        {
            foreach (var row in rows.Concat(rows))
                Assert.IsTrue(engine.Predict(row).Score.All(float.IsFinite));
        }
        foreach (var row in rows)
        {
            Assert.AreEqual(48 * 48 * 4, row.Image!.Pixels.Length);
            row.Image.Dispose();
        }
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }
}
