using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.ML;
using MlNetFineTune.Hosting;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;
using TorchSharp;

namespace MlNetFineTune.Tests.Hosting;

/// <summary>
/// A model's file is replaced while it serves. ML.NET's own pool of prediction engines leaked at each reload, gave answers of the old model
/// afterwards, disposed twice, kept the file from being replaced, and stopped looking after a file that could not be read.
/// </summary>
[TestClass]
public sealed class ModelSwitchTests : IDisposable
{
    private readonly HostedModels _models = new();
    private readonly ServedPhoto _photo = ServedPhoto.Take(1)[0];

    public void Dispose() => _models.Dispose();

    [TestMethod]
    public async Task AfterASwitchEveryAnswerIsTheNewModels()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync(options => options.Example = _photo);
        var predictor = HostedModels.PredictorOf(host);
        var ended = 0;
        var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (; Volatile.Read(ref ended) == 0;)
                Assert.IsTrue((await predictor.PredictAsync(ServedPhoto.Take(1)[0])).Score.All(float.IsFinite));
        })).ToArray();

        foreach (var next in (byte[][])[HostedModels.Second, HostedModels.First, HostedModels.Second])
        {
            var before = predictor.Model.LoadedAt;
            _models.Put(next);
            await Patience.UntilAsync(() => Task.FromResult(predictor.Model.LoadedAt != before), "the new file serves");

            var expected = HostedModels.ScoresOf(next, _photo);
            for (var i = 0; i < 20; i++)
                SmallTraining.AssertClose([expected], [(await predictor.PredictAsync(_photo)).Score]);
        }
        Volatile.Write(ref ended, 1);
        await Task.WhenAll(callers);

        Assert.AreEqual(0, predictor.Metrics.Failed + predictor.Metrics.Refused);
        Assert.AreEqual(HealthStatus.Healthy, (await HostedModels.HealthOf(host)).Status);
        await host.StopAsync();
    }

    [TestMethod]
    public async Task TenSwitchesLeaveNoTensorsBehind()
    {
        _models.Put(HostedModels.First, "other.zip");
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync(options => options.Example = _photo);
        var predictor = HostedModels.PredictorOf(host);
        await predictor.SwitchAsync(_models.Folder.File("other.zip"));
        var tensors = torch.Tensor.TotalCount;

        for (var i = 0; i < 10; i++)
        {
            await predictor.SwitchAsync(i % 2 == 0 ? _models.Path : _models.Folder.File("other.zip"));
            await predictor.PredictAsync(_photo);
        }

        Assert.AreEqual(tensors, torch.Tensor.TotalCount);
        await host.StopAsync();
    }

    [TestMethod]
    public async Task TheEarlierModelIsDisposedOnceAndAfterItsLastUse()
    {
        _models.Put(HostedModels.First);
        var disposed = new int[2];
        var loaded = 0;
        using var gate = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        using var last = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        var host = await _models.StartAsync(options =>
        {
            options.WatchModel = false;
            options.Workers = 1;
            options.LoadModel = (ml, file) =>
            {
                var number = Interlocked.Increment(ref loaded) - 1;
                return new CountedModel(ml.Model.Load(file, out _), () => Interlocked.Increment(ref disposed[number]));
            };
        });
        var predictor = HostedModels.PredictorOf(host);
        var call = predictor.PredictAsync(ServedPhoto.Holding(gate, reached));
        Assert.IsTrue(reached.Wait(Patience.Limit));
        var work = Task.Run(() => predictor.Use(model =>
        {
            entered.Set();
            Assert.IsTrue(last.Wait(Patience.Limit));
            return SmallTraining.Scores(model.Transform(new MLContext().Data.LoadFromEnumerable<ServedPhoto>([_photo])))[0];
        }));
        Assert.IsTrue(entered.Wait(Patience.Limit));

        var switched = predictor.SwitchAsync(_models.Path);
        await Patience.UntilAsync(() => Task.FromResult(Volatile.Read(ref loaded) == 2), "the next model is loaded");
        Assert.IsFalse(switched.IsCompleted, "The last batch of the earlier model is not over.");
        Assert.AreEqual(0, disposed[0]);
        gate.Set();
        await switched;
        Assert.IsGreaterThan(0u, (await call).PredictedLabel);
        Assert.AreEqual(0, disposed[0], "The last use of the earlier model is not over.");
        last.Set();
        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.First, _photo)], [await work]);
        Assert.AreEqual((1, 0), (disposed[0], disposed[1]));

        await host.StopAsync();
        await predictor.DisposeAsync();
        predictor.Dispose();
        host.Dispose();
        Assert.AreEqual((1, 1), (disposed[0], disposed[1]));
    }

    [TestMethod]
    public async Task TheFileIsNobodysAfterItWasRead()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync(options => options.WatchModel = false);

        using (var alone = new FileStream(_models.Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
            alone.SetLength(0);
        File.Delete(_models.Path);

        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.First, _photo)],
            [(await HostedModels.PredictorOf(host).PredictAsync(_photo)).Score]);
        await host.StopAsync();
    }

    [TestMethod]
    public async Task AFileThatCannotBeUsedIsReportedOnceAndTheNextOneIsServed()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync();
        var predictor = HostedModels.PredictorOf(host);
        var served = predictor.Model;

        _models.Put(HostedModels.Second[..^1000]); // half a file, as a copy that broke off leaves it
        await Patience.UntilAsync(async () => (await HostedModels.HealthOf(host)).Status == HealthStatus.Degraded, "health tells it");
        var health = await HostedModels.HealthOf(host);
        StringAssert.StartsWith(health.Description, "The predictor serves an earlier model, because the newest file cannot be used: ");
        Assert.AreEqual(served, predictor.Model);
        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.First, _photo)], [(await predictor.PredictAsync(_photo)).Score]);
        Assert.AreEqual(1, _models.Log.Lines.Count(line => line is { Category: "MlNetFineTune.Hosting", Level: LogLevel.Error }));

        _models.Put(HostedModels.Second);
        await Patience.UntilAsync(() => Task.FromResult(predictor.Model != served), "the watch goes on");
        await Patience.UntilAsync(async () => (await HostedModels.HealthOf(host)).Status == HealthStatus.Healthy, "health tells it");
        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.Second, _photo)], [(await predictor.PredictAsync(_photo)).Score]);
        await host.StopAsync();
    }

    [TestMethod]
    public async Task AModelWithOtherColumnsDoesNotComeIntoService()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync();
        var predictor = HostedModels.PredictorOf(host);
        var tensors = torch.Tensor.TotalCount;
        var ml = new MLContext();
        using (var renamed = SmallTraining.Fit(
            ml, SmallTraining.Options with { Epochs = 1, ScoreColumnName = "Other" }, SmallPictures.Take(4)))
            _models.Put(SmallTraining.Save(ml, renamed));

        await Patience.UntilAsync(async () => (await HostedModels.HealthOf(host)).Status == HealthStatus.Degraded, "health tells it");

        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.First, _photo)], [(await predictor.PredictAsync(_photo)).Score]);
        Assert.AreEqual(tensors, torch.Tensor.TotalCount, "The refused model is freed.");
        await host.StopAsync();
    }

    [TestMethod]
    public async Task AFileThatIsGoneIsAWarningAndItsReturnIsNoticed()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync();
        var predictor = HostedModels.PredictorOf(host);

        File.Move(_models.Path, _models.Folder.File("aside.zip"));
        await Patience.UntilAsync(async () => (await HostedModels.HealthOf(host)).Status == HealthStatus.Degraded, "health tells it");
        Assert.IsGreaterThan(0u, (await predictor.PredictAsync(_photo)).PredictedLabel);
        File.Move(_models.Folder.File("aside.zip"), _models.Path);
        await Patience.UntilAsync(async () => (await HostedModels.HealthOf(host)).Status == HealthStatus.Healthy, "health tells it");

        Assert.AreEqual(1, _models.Log.Lines.Count(line => line is { Category: "MlNetFineTune.Hosting", Level: LogLevel.Warning }));
        await host.StopAsync();
    }

    /// <summary>Without a clock: look by look.</summary>
    [TestMethod]
    public async Task AFileIsLeftAloneWhileItGrows()
    {
        _models.Put(HostedModels.First);
        List<long> switched = [];
        var watch = new ModelWatch(_models.Path, FileStamp.Of(_models.Path), (path, _) =>
        {
            switched.Add(new FileInfo(path).Length);
            return Task.CompletedTask;
        }, new PredictorState(new PredictorName("")), _models.Log.CreateLogger("watch"));

        for (var length = 1; length <= 3; length++)
        {
            await watch.LookAsync(CancellationToken.None);
            await File.WriteAllBytesAsync(_models.Path, new byte[length]);
        }
        Assert.IsEmpty(switched);
        for (var i = 0; i < 5; i++)
            await watch.LookAsync(CancellationToken.None);
        CollectionAssert.AreEqual(new[] { 3L }, switched);
    }

    [TestMethod]
    public async Task AFileThatCannotBeReadNowIsTriedAgain()
    {
        _models.Put(HostedModels.First);
        var attempts = 0;
        var state = new PredictorState(new PredictorName(""));
        var watch = new ModelWatch(_models.Path, null, (_, _) => ++attempts < 4
            ? Task.FromException(new IOException("in use"))
            : Task.CompletedTask, state, _models.Log.CreateLogger("watch"));

        for (var i = 0; i < 4; i++)
            await watch.LookAsync(CancellationToken.None); // the first one sees it
        Assert.AreEqual("in use", state.Failure?.Message);
        for (var i = 0; i < 4; i++)
            await watch.LookAsync(CancellationToken.None);

        Assert.AreEqual(4, attempts);
        Assert.IsNull(state.Failure);
        Assert.AreEqual(1, _models.Log.Lines.Count(line => line.Level == LogLevel.Error), "The same fault is told once.");
    }

    [TestMethod]
    public async Task TheReturnOfTheFileThatServesEndsAFailure()
    {
        _models.Put([1]);
        var state = new PredictorState(new PredictorName(""));
        var watch = new ModelWatch(_models.Path, FileStamp.Of(_models.Path), (path, _) => new FileInfo(path).Length == 2
            ? Task.FromException(new IOException("in use"))
            : Task.CompletedTask, state, _models.Log.CreateLogger("watch"));
        File.Move(_models.Path, _models.Folder.File("aside.zip"));
        _models.Put([1, 2]);
        for (var i = 0; i < 2; i++)
            await watch.LookAsync(CancellationToken.None);
        Assert.AreEqual("in use", state.Failure?.Message);

        File.Move(_models.Folder.File("aside.zip"), _models.Path, overwrite: true);
        for (var i = 0; i < 2; i++)
            await watch.LookAsync(CancellationToken.None);

        Assert.IsNull(state.Failure);
    }

    [TestMethod]
    public void AnotherFileOfTheSameLengthAndTimeIsAnother()
    {
        _models.Put(new byte[10]);
        var time = File.GetLastWriteTimeUtc(_models.Path);
        var before = FileStamp.Of(_models.Path);
        File.WriteAllBytes(_models.Folder.File("new"), [.. new byte[9], 1]);
        File.SetLastWriteTimeUtc(_models.Folder.File("new"), time);
        File.Move(_models.Folder.File("new"), _models.Path, overwrite: true);

        Assert.AreNotEqual(before, FileStamp.Of(_models.Path));
        Assert.AreEqual(FileStamp.Of(_models.Path), FileStamp.Of(_models.Path));
        Assert.IsNull(FileStamp.Of(_models.Folder.File("nowhere")));
    }

    [TestMethod]
    public void AFileThatIsWrittenToWhileItIsReadIsRefused()
    {
        _models.Put(HostedModels.First);
        var disposed = 0;

        var refused = Assert.ThrowsExactly<IOException>(() => ModelFile.Load(new MLContext(), _models.Path, (ml, file) =>
        {
            var model = ml.Model.Load(file, out _);
            using (var writer = new FileStream(_models.Path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite))
                writer.WriteByte(0);
            return new CountedModel(model, () => disposed++);
        }, TimeProvider.System));

        StringAssert.Contains(refused.Message, "was written to while it was read");
        Assert.AreEqual(1, disposed);
    }
}
