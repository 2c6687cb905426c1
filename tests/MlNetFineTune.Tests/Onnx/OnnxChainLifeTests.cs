using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using MlNetFineTune.Onnx;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>The chain of ToOnnxPipeline: column names, temporary file, device and disposal.</summary>
[TestClass]
public sealed class OnnxChainLifeTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly Photo[] _photos = SmallPictures.Take(4, skip: 20);

    [TestMethod]
    [DataRow("My Score", "My Label", false)]
    [DataRow("My Score", "My Label", true)]
    [DataRow("Score", "My Label", true)]
    [DataRow("My Score", "PredictedLabel", false)]
    public void ColumnsKeepTheNamesThatTheModelGaveThem(string score, string label, bool isTaken)
    {
        var options = SmallTraining.Options with { ScoreColumnName = score, PredictedLabelColumnName = label, Epochs = 1 };
        using var model = SmallTraining.Fit(_ml, options, SmallPictures.Take(4));
        var data = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, _photos));
        if (isTaken)
            data = _ml.Transforms.CopyColumns("Score", "ImagePath").Fit(data).Transform(data);

        using var chain = (IDisposable)_ml.FineTuning.ToOnnxPipeline(model, data.Schema);
        using var loaded = (IDisposable)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, (ITransformer)chain, data.Schema)), out _);

        var expected = model.Transform(data);
        foreach (var scored in (IDataView[])[((ITransformer)chain).Transform(data), ((ITransformer)loaded).Transform(data)])
        {
            CollectionAssert.AreEquivalent(Visible(expected), Visible(scored));
            // ML.NET resizes differently.
            SmallTraining.AssertClose(SmallTraining.Scores(expected, score), SmallTraining.Scores(scored, score), 0.1f);
            Assert.AreEqual(
                _ml.MulticlassClassification.Evaluate(expected, scoreColumnName: score, predictedLabelColumnName: label).MicroAccuracy,
                _ml.MulticlassClassification.Evaluate(scored, scoreColumnName: score, predictedLabelColumnName: label).MicroAccuracy, 0.1);
            VBuffer<ReadOnlyMemory<char>> names = default;
            scored.Schema[score].GetSlotNames(ref names);
            CollectionAssert.AreEqual(model.Classes.ToArray(), names.DenseValues().Select(name => name.ToString()).ToArray());
            if (isTaken && score != "Score")
                CollectionAssert.AreEqual(_photos.Select(photo => photo.ImagePath).ToArray(), scored.GetColumn<string>("Score").ToArray());
        }
    }

    private static string[] Visible(IDataView view) => [.. view.Schema.Where(column => !column.IsHidden).Select(column => column.Name)];

    [TestMethod]
    public void TemporaryFilesAreWhereTheContextSaysAndGo()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var folder = Path.Combine(SmallPictures.NewFolder(), "made on demand");
        var ml = new MLContext { TempFilePath = folder };
        var view = SmallPictures.View(ml, _photos);
        using (var file = new Folder())
            ml.FineTuning.ExportOnnx(model, file.File("model.onnx"), OnnxPrecision.Int8(view));
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder), "made there, and gone");

        var chain = ml.FineTuning.ToOnnxPipeline(model, view.Schema, precision: OnnxPrecision.Int8(view));
        Assert.AreEqual(1, OpenFiles.CountIn(folder));
        ((IDisposable)chain).Dispose();
        Assert.AreEqual(0, OpenFiles.CountIn(folder));
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder));
        using (var engine = ml.Model.CreatePredictionEngine<Photo, Prediction>(ml.FineTuning.ToOnnxPipeline(model, view.Schema)))
            Assert.HasCount(3, engine.Predict(_photos[0]).Score);
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder), "the engine owns its chain");
    }

    /// <summary>ML.NET chooses names of three random letters after the dot.</summary>
    [TestMethod]
    public void AFileThatIsNamedAsOnnxRuntimesOwnFormatIsWrittenAgain()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var folder = new Folder();
        _ml.FineTuning.ExportOnnx(model, folder.File("model.onnx"));
        File.Copy(folder.File("model.onnx"), folder.File("model.ort"));
        Queue<string> names = new([folder.File("model.ort"), folder.File("model.onnx")]);

        using var session = OnnxPipeline.LoadAgainIfNamedOrt(() => new InferenceSession(names.Dequeue()));

        Assert.IsEmpty(names);
        Assert.ThrowsExactly<DivideByZeroException>(() => OnnxPipeline.LoadAgainIfNamedOrt<int>(() => throw new DivideByZeroException()));
    }

    [TestMethod]
    public void ADisposedChainSaysSo()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, _photos);
        var chain = _ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        var scored = chain.Transform(view);
        var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(chain, new PredictionEngineOptions { OwnsTransformer = false });
        engine.Predict(_photos[0]);

        ((IDisposable)chain).Dispose();
        ((IDisposable)chain).Dispose();

        AssertSaysDisposed(() => SmallTraining.Scores(scored));
        AssertSaysDisposed(() => chain.Transform(view));
        AssertSaysDisposed(() => engine.Predict(_photos[0]));
        AssertSaysDisposed(() => SmallTraining.Save(_ml, chain));
        engine.Dispose();

        static void AssertSaysDisposed(Action action) =>
            StringAssert.Contains(Assert.ThrowsExactly<ObjectDisposedException>(action).Message, "ToOnnxPipeline made was disposed");
    }

    // With 300 rows, ML.NET's threads read ahead while the consumer waits.
    [TestMethod]
    public void DisposingUnderOpenCursorsGivesScoresOrAnErrorAndNeverACrash()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, Enumerable.Range(0, 300).Select(i => _photos[i % _photos.Length]));
        for (var round = 0; round < 6; round++)
        {
            var chain = _ml.FineTuning.ToOnnxPipeline(model, view.Schema);
            var scored = chain.Transform(view);
            var cursors = Enumerable.Range(0, 3).Select(_ => scored.GetRowCursor(scored.Schema)).ToArray();
            var rows = 0;
            var readers = cursors.Select(cursor => Task.Run(() =>
            {
                var getter = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
                VBuffer<float> scores = default;
                while (cursor.MoveNext())
                {
                    getter(ref scores);
                    Assert.AreEqual(1, scores.DenseValues().Sum(), 1e-4);
                    Interlocked.Increment(ref rows);
                }
            })).ToArray();
            Thread.Sleep(20 * round);

            ((IDisposable)chain).Dispose();

            foreach (var end in readers.Select(reader => (Action)reader.GetAwaiter().GetResult)
                .Concat(cursors.Select(cursor => (Action)cursor.Dispose)))
                ScoresOrSaysDisposed(end);
        }

        static void ScoresOrSaysDisposed(Action action)
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                Assert.IsInstanceOfType<ObjectDisposedException>(e.GetBaseException()); // ML.NET wraps what its threads throw
            }
        }
    }

    // The tests run on the package for CPUs, in whose library the CUDA functions are not.
    [TestMethod]
    public void AGpuThatThePackageCannotUseIsAnErrorThatNamesThePackageOrTheCpuIsTaken()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, _photos);

        var error = Assert.ThrowsExactly<InvalidOperationException>(() =>
            new MLContext { GpuDeviceId = 0, FallbackToCpu = false }.FineTuning.ToOnnxPipeline(model, view.Schema));
        StringAssert.Contains(error.Message, "Microsoft.ML.OnnxRuntime.Gpu");

        var ml = new MLContext { GpuDeviceId = 0, FallbackToCpu = true };
        var log = new LogLines(ml);
        using var chain = (IDisposable)ml.FineTuning.ToOnnxPipeline(model, view.Schema);
        StringAssert.Contains(log.Warnings.Single(), "Microsoft.ML.OnnxRuntime.Gpu");
        Assert.HasCount(_photos.Length, SmallTraining.Scores(((ITransformer)chain).Transform(view)));
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }
}
