using Microsoft.ML;
using MlNetFineTune.Networks;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Serving;

/// <summary>Refusing, cancelling, replacing the model, ending: whatever happens, every caller hears.</summary>
[TestClass]
public sealed class PredictorLifeTests
{
    private readonly MLContext _ml = new();
    private readonly ManualResetEventSlim _gate = new();
    private readonly ManualResetEventSlim _reached = new();

    [TestCleanup]
    public void DisposeEvents()
    {
        _gate.Dispose();
        _reached.Dispose();
    }

    [TestMethod]
    public async Task ARowTooManyIsRefusedAndTheOthersAreScored()
    {
        using var model = SmallTraining.LoadModel(_ml);
        await using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
            model, new PredictorOptions { QueueCapacity = 3, Workers = 1 });
        var held = Hold(predictor);
        var rows = ServedPhoto.Take(4);
        var waiting = rows[..3].Select(row => predictor.PredictAsync(row)).ToArray();

        var refusal = await Assert.ThrowsAsync<PredictorBusyException>(() => predictor.PredictAsync(rows[3]));
        Assert.Throws<PredictorBusyException>(() => predictor.Predict(rows[3]));

        Assert.AreEqual(3, refusal.QueueCapacity);
        StringAssert.Contains(refusal.Message, "3 rows wait");
        Assert.AreEqual((3, 2L), (predictor.Metrics.Waiting, predictor.Metrics.Refused));
        _gate.Set();
        await held;
        Assert.IsTrue((await Task.WhenAll(waiting)).All(prediction => prediction.PredictedLabel > 0));
        Assert.AreEqual(0, rows[3].Reads);
        Assert.IsGreaterThan(0u, (await predictor.PredictAsync(rows[3])).PredictedLabel);
    }

    [TestMethod]
    public async Task ACancelledRowLeavesTheQueueAndIsNotRead()
    {
        using var model = SmallTraining.LoadModel(_ml);
        await using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
            model, new PredictorOptions { QueueCapacity = 2, Workers = 1 });
        using var source = new CancellationTokenSource();
        var rows = ServedPhoto.Take(3);
        var held = Hold(predictor, source.Token);
        var (stays, goes) = (predictor.PredictAsync(rows[0]), predictor.PredictAsync(rows[1], source.Token));

        source.Cancel();

        // At once, though the gate is closed: also who is being scored need not wait.
        Assert.AreEqual(source.Token, (await Assert.ThrowsAsync<OperationCanceledException>(() => goes)).CancellationToken);
        await Assert.ThrowsAsync<OperationCanceledException>(() => held);
        await Assert.ThrowsAsync<OperationCanceledException>(() => predictor.PredictAsync(rows[2], source.Token));
        Assert.AreEqual(1, predictor.Metrics.Waiting);
        var takesItsPlace = predictor.PredictAsync(rows[2]);
        _gate.Set();
        Assert.IsGreaterThan(0u, (await stays).PredictedLabel);
        Assert.IsGreaterThan(0u, (await takesItsPlace).PredictedLabel);
        Assert.AreEqual(0, rows[1].Reads);
    }

    [TestMethod]
    public async Task DisposingAnswersWhatWaitsAndThenRefuses()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
            model, new PredictorOptions { MaxBatchSize = 4, MaxDelay = TimeSpan.FromMinutes(1), Workers = 1 });
        var held = Hold(predictor);
        var waiting = ServedPhoto.Take(10).Select(row => predictor.PredictAsync(row)).ToArray();

        var disposed = predictor.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => predictor.Predict(ServedPhoto.Take(1)[0]));
        Assert.IsFalse(disposed.IsCompleted);
        _gate.Set();
        await disposed.AsTask().WaitAsync(Patience.Limit);

        Assert.IsTrue(held.IsCompletedSuccessfully);
        Assert.IsTrue((await Task.WhenAll(waiting)).All(prediction => prediction.PredictedLabel > 0));
        Assert.Throws<ObjectDisposedException>(() => predictor.Predict(ServedPhoto.Take(1)[0]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => predictor.ReplaceModelAsync(model));
        predictor.Dispose();
        Assert.IsNotEmpty(SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, SmallPictures.Take(1)))),
            "The model is its owner's.");
    }

    [TestMethod]
    public async Task AReplacedModelEndsItsBatchesAndNoRowIsLost()
    {
        var earlier = SmallTraining.LoadModel(_ml);
        using var later = SmallTraining.Fit(_ml, SmallTraining.Options with { Epochs = 1 }, SmallPictures.Take(4));
        await using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(earlier, new PredictorOptions { Workers = 1 });
        var row = ServedPhoto.Take(1)[0];
        var scores = new[] { Alone(earlier), Alone(later) };
        var held = Hold(predictor);
        var waits = predictor.PredictAsync(row);

        var replaced = predictor.ReplaceModelAsync(later);
        await Task.Delay(200);
        Assert.IsFalse(replaced.IsCompleted, "The batch of the earlier model still runs.");
        _gate.Set();
        await replaced;
        earlier.Dispose();

        SmallTraining.AssertSameBits([Alone(later)], [(await waits).Score]);
        SmallTraining.AssertClose([scores[0]], [(await held).Score]);
        Assert.IsGreaterThan(0.01f, scores[0].Zip(scores[1], (a, b) => Math.Abs(a - b)).Max(),
            "The two models do not differ enough to be told apart.");

        float[] Alone(FineTuningTransformer model) =>
            SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable<ServedPhoto>([row])))[0];
    }

    [TestMethod]
    public async Task ReplacingUnderLoadLosesNothing()
    {
        var models = new[] { SmallTraining.LoadModel(_ml), SmallTraining.LoadModel(_ml), SmallTraining.LoadModel(_ml) };
        var rows = ServedPhoto.Take(20);
        var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
            models[0], new PredictorOptions { Workers = 2 }, example: rows[0]);
        var stop = 0;
        var callers = Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
        {
            var answers = 0;
            for (; Volatile.Read(ref stop) == 0; answers++)
                Assert.IsTrue((await predictor.PredictAsync(rows[answers % rows.Length])).Score.All(float.IsFinite));
            return answers;
        })).ToArray();

        for (var i = 1; i < models.Length; i++)
        {
            await Task.Delay(100);
            await predictor.ReplaceModelAsync(models[i]);
            models[i - 1].Dispose(); // further use would throw
        }
        Volatile.Write(ref stop, 1);

        var answers = (await Task.WhenAll(callers)).Sum();
        Assert.AreEqual(answers, predictor.Metrics.Rows);
        Assert.AreEqual(0, predictor.Metrics.Failed);
        await predictor.DisposeAsync();
        models[^1].Dispose();
    }

    [TestMethod]
    public async Task AModelThatDoesNotFitChangesNothing()
    {
        using var model = SmallTraining.LoadModel(_ml);
        await using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model);
        var other = _ml.Transforms.CopyColumns("Other", "ImagePath").Fit(SmallPictures.View(_ml, []));

        StringAssert.Contains((await Assert.ThrowsAsync<Exception>(() => predictor.ReplaceModelAsync(other))).Message, "Score");

        Assert.IsGreaterThan(0u, (await predictor.PredictAsync(ServedPhoto.Take(1)[0])).PredictedLabel);
    }

    [TestMethod]
    public void WarmUpScoresTheExampleAndIsNotCounted()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var example = ServedPhoto.Take(1)[0];
        using (var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
            model, new PredictorOptions { MaxBatchSize = 6, Workers = 2 }, example))
        {
            Assert.AreEqual(2 * (1 + 2 + 4 + 6), example.Reads);
            Assert.AreEqual(new PredictorMetrics(0, 0, 0, 0, 0, TimeSpan.Zero), predictor.Metrics);
        }

        var bad = new ServedPhoto("", () => throw new FormatException("no example"));
        Assert.AreEqual("no example", Assert.Throws<FormatException>(
            () => _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model, example: bad)).Message);
    }

    [TestMethod]
    public void ADisposedModelIsSaidToEveryCaller()
    {
        var model = SmallTraining.LoadModel(_ml);
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model);
        model.Dispose();

        foreach (var row in ServedPhoto.Take(3))
            StringAssert.Contains(Assert.Throws<ObjectDisposedException>(() => predictor.Predict(row)).Message, "model was disposed");
    }

    // Keeps the only worker busy until the gate is opened.
    private Task<ServedClass> Hold(Predictor<ServedPhoto, ServedClass> predictor, CancellationToken cancellation = default)
    {
        var held = predictor.PredictAsync(ServedPhoto.Holding(_gate, _reached), cancellation);
        Assert.IsTrue(_reached.Wait(Patience.Limit));
        return held;
    }
}
