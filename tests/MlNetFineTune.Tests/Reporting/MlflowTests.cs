using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.ML;
using MlNetFineTune.MlNet;
using MlNetFineTune.Reporting;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Reporting;

[TestClass]
public sealed class MlflowTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public async Task ATrainingIsARunWithItsOptionsItsNumbersAndItsReport()
    {
        await using var server = await FakeMlflow.StartAsync();
        using var folder = new Folder();
        var log = new LogLines(_ml);
        var options = SmallTraining.Options with { Validation = ValidationData.Fraction(0.25f), RunFolder = folder.File("run") };
        var mlflow = server.Tracking() with
        {
            RunName = "first",
            Tags = new Dictionary<string, string> { ["team"] = "blue" },
            FinishTimeout = Patience.Limit,
        };

        using var plain = SmallTraining.Fit(_ml, options with { RunFolder = null }, SmallPictures.Take(8));
        using var model = SmallTraining.Fit(_ml, options with { Mlflow = mlflow }, SmallPictures.Take(8));

        Assert.IsEmpty(server.Faults, string.Join("\n", server.Faults));
        Assert.AreEqual("7", server.Experiments["surfaces"]);
        var run = server.Runs.Values.Single();
        Assert.AreEqual(("first", "FINISHED", "blue"), (run.Name, run.Status, run.Tags["team"]));
        Assert.AreEqual("3E-03", Exponent(run.Parameters["LearningRate"]));
        Assert.AreEqual(("2", "8", "1"), (run.Parameters["Epochs"], run.Parameters["BatchSize"], run.Parameters["Seed"]));
        var report = model.Report!;
        CollectionAssert.AreEqual(report.Epochs.Select(epoch => epoch.Loss).ToArray(), run.Of("epoch/loss"));
        CollectionAssert.AreEqual(report.Epochs.Select(epoch => epoch.ValidationLoss!.Value).ToArray(), run.Of("epoch/validation_loss"));
        CollectionAssert.AreEqual(
            report.Epochs.Select(epoch => epoch.ValidationAccuracy!.Value).ToArray(), run.Of("epoch/validation_accuracy"));
        CollectionAssert.AreEqual(report.Epochs.Select(epoch => epoch.LearningRate).ToArray(), run.Of("epoch/learning_rate"));
        var steps = run.Metrics.Where(metric => metric.Key == "step/loss").Select(metric => metric.Step).ToArray();
        CollectionAssert.AreEqual(Enumerable.Range(1, steps.Length).Select(step => (long)step).ToArray(), steps);
        Assert.AreEqual(report.BestEpoch.ToString(System.Globalization.CultureInfo.InvariantCulture), run.Tags["mlnetfinetune.best_epoch"]);
        Assert.AreEqual("Completed", run.Tags["mlnetfinetune.end"]);
        CollectionAssert.AreEquivalent(new[] { "report.html", "history.csv", "history.json" }, server.Artifacts.Keys.ToArray());
        foreach (var (name, content) in server.Artifacts)
            CollectionAssert.AreEqual(File.ReadAllBytes(folder.File($"run/{name}")), content, name);
        Assert.IsEmpty(log.Warnings, log.ToString());
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(plain), SmallTraining.WeightsOf(model));

        static string Exponent(string number) =>
            float.Parse(number, System.Globalization.CultureInfo.InvariantCulture)
                .ToString("0E+00", System.Globalization.CultureInfo.InvariantCulture);
    }

    [TestMethod]
    public async Task TwoTrainingsOfAnExperimentAreTwoRuns()
    {
        await using var server = await FakeMlflow.StartAsync("/mlflow");
        var tracking = new MlflowTracking(new Uri(server.Address, "/mlflow"), "Fläche & Co") { FinishTimeout = Patience.Limit };

        for (var i = 0; i < 2; i++)
        {
            using var model = SmallTraining.Fit(_ml, SmallTraining.Options with { Mlflow = tracking, Epochs = 1 }, SmallPictures.Take(4));
        }

        Assert.IsEmpty(server.Faults, string.Join("\n", server.Faults));
        Assert.HasCount(2, server.Runs);
        CollectionAssert.AreEqual(new[] { "Fläche & Co" }, server.Experiments.Keys.ToArray());
    }

    /// <summary>It would wait for an hour where it waits for a server that is not there.</summary>
    [TestMethod]
    public async Task AServerThatIsDownIsWarnedOfAndNotWaitedFor()
    {
        var server = await FakeMlflow.StartAsync();
        var tracking = server.Tracking() with { RequestTimeout = TimeSpan.FromHours(1), FinishTimeout = TimeSpan.FromHours(1) };
        await server.DisposeAsync();
        var log = new LogLines(_ml);

        using var model = await FitAsync(tracking);

        Assert.HasCount(2, model.Report!.Epochs);
        // So short a training may be over before the first one.
        Assert.IsLessThanOrEqualTo(2, log.Warnings.Count);
        StringAssert.StartsWith(log.Warnings[^1], $"MLflow: {tracking.Server}, experiments/get-by-name: ");
        StringAssert.EndsWith(log.Warnings[^1], "Not all was sent; the training is not affected.");
    }

    [TestMethod]
    public async Task AFailureDuringTheTrainingDoesNotHideTheOneAtItsEnd()
    {
        await using var server = await FakeMlflow.StartAsync();
        var status = 503;
        server.Instead = context =>
        {
            context.Response.StatusCode = Volatile.Read(ref status);
            return Task.FromResult(context.Response.StatusCode != 200);
        };
        var log = new LogLines(_ml);
        var tracking = server.Tracking() with { FinishTimeout = Patience.Limit, AbandonTimeout = Patience.Limit };
        using (var channel = Contexts.GetEnvironment(_ml.Model).Start("test"))
        {
            using var run = MlflowRun.Open(SmallTraining.Options with { Mlflow = tracking }, 1, channel, new InstantTime())!;
            var step = 0;
            await StepUntilAsync(() => log.Warnings.Count > 0, "the absence is told");
            Volatile.Write(ref status, 200);
            await StepUntilAsync(() => server.Requests.Any(request => request.EndsWith("log-batch", StringComparison.Ordinal)),
                "the server is back");
            Volatile.Write(ref status, 401);
            run.AfterStep(++step, 8, 1, 1e-3);

            Task StepUntilAsync(Func<bool> isSo, string what) => Patience.UntilAsync(() =>
            {
                run.AfterStep(++step, 8, 1, 1e-3);
                return Task.FromResult(isSo());
            }, what);
        }

        Assert.HasCount(2, log.Warnings, log.ToString());
        StringAssert.Contains(log.Warnings[0], "experiments/get-by-name: 503 ServiceUnavailable. Values wait until it answers, ");
        StringAssert.Contains(log.Warnings[1], ": 401 Unauthorized. Not all was sent; ");
    }

    /// <summary>The clock of its pauses stands still: only the end can end one.</summary>
    [TestMethod]
    public async Task AServerThatIsBackWhenTheTrainingEndsHasEverything()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.Instead = context =>
        {
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        using var sender = Sender(server.Tracking(), new StillTime());
        for (var step = 1; step <= 5; step++)
            sender.Add(new MlflowMetric("loss", step, 1_700_000_000_000, step));
        await Patience.UntilAsync(() => Task.FromResult(sender.Failure is not null), "the server is away");
        server.Instead = _ => Task.FromResult(false);

        Assert.IsTrue(sender.Close(new MlflowEnding("FINISHED", 1_800_000_000_000, new Dictionary<string, string>(), []), Patience.Limit));

        var run = server.Runs.Values.Single();
        CollectionAssert.AreEqual(new[] { 1.0, 2, 3, 4, 5 }, run.Of("loss"));
        Assert.AreEqual("FINISHED", run.Status);
    }

    /// <summary>It would wait for an hour as long as after a training that has a model.</summary>
    [TestMethod]
    public async Task ATrainingWithoutAModelWaitsForAShorterTime()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.Instead = NeverAnswerAsync;
        var tracking = server.Tracking() with { RequestTimeout = TimeSpan.FromHours(1), FinishTimeout = TimeSpan.FromHours(1) };
        Assert.AreEqual(TimeSpan.FromSeconds(2), tracking.AbandonTimeout);
        var log = new LogLines(_ml);
        using var channel = Contexts.GetEnvironment(_ml.Model).Start("test");
        var run = MlflowRun.Open(
            SmallTraining.Options with { Mlflow = tracking with { AbandonTimeout = TimeSpan.FromMilliseconds(50) } }, 1, channel)!;

        await Task.Run(run.Dispose).WaitAsync(Patience.Limit);

        StringAssert.EndsWith(log.Warnings.Single(), "not all was sent within 0.05 s after the training.");
    }

    [TestMethod]
    public async Task AServerThatDoesNotAnswerIsWaitedForAsLongAsIsSaid()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.Instead = NeverAnswerAsync;
        var tracking = server.Tracking() with { RequestTimeout = TimeSpan.FromHours(1), FinishTimeout = TimeSpan.FromMilliseconds(50) };
        var log = new LogLines(_ml);

        using var model = await FitAsync(tracking, new AfterStep(
            () => Assert.IsTrue(SpinWait.SpinUntil(() => !server.Requests.IsEmpty, Patience.Limit), "It was never asked.")));

        StringAssert.EndsWith(log.Warnings.Single(), "not all was sent within 0.05 s after the training.");
        Assert.HasCount(1, server.Requests);
    }

    [TestMethod]
    public async Task ARequestThatTakesTooLongIsARequestThatFailed()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.Instead = NeverAnswerAsync;
        using var sender = Sender(server.Tracking() with { RequestTimeout = TimeSpan.FromMilliseconds(50) });

        await Patience.UntilAsync(() => Task.FromResult(server.Requests.Count >= 3), "it was asked again");

        StringAssert.EndsWith(sender.Failure!.Message, "experiments/get-by-name: no answer within 0.05 s.");
        Assert.IsTrue(sender.Failure.IsTransient);
    }

    [TestMethod]
    [DataRow(401, "401 UNAUTHENTICATED: who are you?")]
    [DataRow(403, "403 UNAUTHENTICATED: who are you?")]
    [DataRow(302, "302 UNAUTHENTICATED: who are you?")]
    public async Task AServerThatRefusesIsNotAskedAgain(int status, string reason)
    {
        await using var server = await FakeMlflow.StartAsync();
        await using var other = await FakeMlflow.StartAsync();
        server.Instead = async context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = other.Address.AbsoluteUri; // who is redirected does not take the token along
            await context.Response.WriteAsJsonAsync(new { error_code = "UNAUTHENTICATED", message = "who are\nyou?" });
            return true;
        };
        var log = new LogLines(_ml);

        using var model = await FitAsync(server.Tracking().WithToken("secret"));

        Assert.IsLessThanOrEqualTo(2, log.Warnings.Count);
        Assert.AreEqual(
            $"MLflow: {server.Address}, experiments/get-by-name: {reason}. Not all was sent; the training is not affected.",
            log.Warnings[^1]);
        Assert.HasCount(1, server.Requests);
        Assert.IsEmpty(other.Requests);
        Assert.DoesNotContain("secret", log.ToString());
    }

    [TestMethod]
    public async Task APageInsteadOfAnAnswerIsExplained()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.Instead = async context =>
        {
            await context.Response.WriteAsync("<html>Welcome</html>");
            return true;
        };
        var log = new LogLines(_ml);

        using var model = await FitAsync(server.Tracking());

        StringAssert.Contains(log.Warnings[^1],
            "the answer has no experiment.experiment_id: is it a tracking server of MLflow?");
    }

    [TestMethod]
    public async Task ADeletedExperimentIsSaidToBeOne()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.Experiments["surfaces"] = "7";
        server.LifecycleStage = "deleted";
        var log = new LogLines(_ml);

        using var model = await FitAsync(server.Tracking());

        StringAssert.Contains(log.Warnings[^1], "the experiment 'surfaces' was deleted there: restore it, or take another name.");
        Assert.IsEmpty(server.Runs);
    }

    [TestMethod]
    public async Task AnExperimentThatAnotherCreatesMeanwhileIsTaken()
    {
        await using var server = await FakeMlflow.StartAsync();
        server.Instead = context =>
        {
            if (context.Request.Path.Value!.EndsWith("create", StringComparison.Ordinal))
                server.Experiments.TryAdd("surfaces", "7");
            return Task.FromResult(false);
        };

        using var model = await FitAsync(server.Tracking() with { FinishTimeout = Patience.Limit });

        Assert.AreEqual("FINISHED", server.Runs.Values.Single().Status);
        CollectionAssert.AreEqual(new[]
        {
            "GET /api/2.0/mlflow/experiments/get-by-name", "POST /api/2.0/mlflow/experiments/create",
            "GET /api/2.0/mlflow/experiments/get-by-name", "POST /api/2.0/mlflow/runs/create",
        }, server.Requests.Take(4).ToArray());
    }

    [TestMethod]
    public async Task CredentialsGoWithEveryRequest()
    {
        await using var server = await FakeMlflow.StartAsync();
        var tracking = server.Tracking() with { FinishTimeout = Patience.Limit };

        using (await FitAsync(tracking.WithToken("abc")))
            Assert.AreEqual("Bearer abc", server.Authorizations.Distinct().Single());
        server.Authorizations.Clear();
        using (await FitAsync(tracking.WithUser("Aladdin", "open sesame")))
            Assert.AreEqual("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", server.Authorizations.Distinct().Single()); // RFC 7617, section 2

        Assert.AreEqual($"{server.Address}, experiment 'surfaces'", tracking.WithToken("abc").ToString());
        Assert.DoesNotContain("abc", (SmallTraining.Options with { Mlflow = tracking.WithToken("abc") }).ToString());
    }

    [TestMethod]
    public async Task ATrainingThatFailsOrIsCancelledEndsItsRun()
    {
        await using var server = await FakeMlflow.StartAsync();
        var tracking = server.Tracking() with { FinishTimeout = Patience.Limit, AbandonTimeout = Patience.Limit };
        using var cancel = new CancellationTokenSource();

        Assert.Throws<Exception>(() => SmallTraining.Fit(_ml, SmallTraining.Options with { Mlflow = tracking },
            [new Photo { Label = "dots", ImagePath = "nowhere" }, new Photo { Label = "rings", ImagePath = "nowhere" }]));
        Assert.AreEqual("FAILED", server.Runs.Values.Single().Status);
        server.Runs.Clear();
        Assert.Throws<OperationCanceledException>(() => SmallTraining.Fit(_ml, SmallTraining.Options with
        {
            Mlflow = tracking,
            CancellationToken = cancel.Token,
            Progress = new AfterStep(cancel.Cancel),
        }, SmallPictures.Take(8)));

        Assert.AreEqual("KILLED", server.Runs.Values.Single().Status);
        Assert.IsEmpty(server.Faults, string.Join("\n", server.Faults));
    }

    /// <summary>Away at each kind of request, and back: everything arrives, once and in order.</summary>
    [TestMethod]
    public async Task AServerThatComesBackHasEverything()
    {
        await using var server = await FakeMlflow.StartAsync();
        var asked = new ConcurrentDictionary<string, int>();
        server.Instead = context =>
        {
            context.Response.StatusCode = 503;
            return Task.FromResult(asked.AddOrUpdate(context.Request.Path, 1, (_, count) => count + 1) <= 2); // the first two of each kind
        };
        using var sender = Sender(server.Tracking());
        for (var step = 1; step <= 2500; step++)
        {
            sender.Add(new MlflowMetric("step/loss", step / 8.0, 1_700_000_000_000 + step, step));
            sender.Add(new MlflowMetric("step/learning_rate", 1e-3, 1_700_000_000_000 + step, step));
        }
        await Patience.UntilAsync(() => Task.FromResult(server.Runs.Values.Sum(run => run.Batches.Sum()) == 5000), "all values arrive");
        server.Instead = _ => Task.FromResult(false);

        Assert.IsTrue(sender.Close(new MlflowEnding("FINISHED", 1_800_000_000_000, new Dictionary<string, string>(), []), Patience.Limit));

        Assert.IsEmpty(server.Faults, string.Join("\n", server.Faults));
        var run = server.Runs.Values.Single();
        CollectionAssert.AreEqual(Enumerable.Range(1, 2500).Select(step => step / 8.0).ToArray(), run.Of("step/loss"));
        Assert.HasCount(2500, run.Of("step/learning_rate"));
        Assert.IsLessThan(5000 / 1000 + 4, run.Batches.Count(count => count > 0), "Values are sent together.");
        Assert.AreEqual(0, sender.Dropped);
        Assert.IsNotNull(sender.Failure);
    }

    [TestMethod]
    public async Task ValuesThatFindTheQueueFullAreCountedAndNotWaitedFor()
    {
        await using var server = await FakeMlflow.StartAsync();
        using var gate = new SemaphoreSlim(0);
        server.Instead = async _ =>
        {
            await gate.WaitAsync();
            gate.Release();
            return false;
        };
        using var sender = Sender(server.Tracking() with { RequestTimeout = TimeSpan.FromHours(1) });

        for (var step = 1; step <= MlflowSender.QueueCapacity + 123; step++)
            sender.Add(new MlflowMetric("loss", step, 1_700_000_000_000, step));

        Assert.AreEqual(123, sender.Dropped);
        gate.Release();
        sender.Close(new MlflowEnding("FINISHED", 1_800_000_000_000, new Dictionary<string, string>(), []), Patience.Limit);
        Assert.HasCount(MlflowSender.QueueCapacity, server.Runs.Values.Single().Metrics);
        Assert.IsEmpty(server.Faults, string.Join("\n", server.Faults));
    }

    [TestMethod]
    public async Task NumbersThatAreNoneAreLeftOut()
    {
        await using var server = await FakeMlflow.StartAsync();
        var log = new LogLines(_ml);
        using (var channel = Contexts.GetEnvironment(_ml.Model).Start("test"))
        {
            var tracking = server.Tracking() with { FinishTimeout = Patience.Limit, AbandonTimeout = Patience.Limit };
            using var run = MlflowRun.Open(SmallTraining.Options with { Mlflow = tracking }, 1, channel)!;
            run.AfterStep(1, 8, double.NaN, 1e-3);
            run.AfterStep(2, 8, double.PositiveInfinity, 1e-3);
            run.AfterEpoch([new(1, double.NaN, double.NegativeInfinity, 1e-300, 1)], 2);
        }

        Assert.IsEmpty(server.Faults, string.Join("\n", server.Faults));
        var run1 = server.Runs.Values.Single();
        CollectionAssert.AreEqual(
            new[] { ("step/learning_rate", 1e-3, 1L), ("step/learning_rate", 1e-3, 2L), ("epoch/learning_rate", 1e-300, 2L) },
            run1.Metrics);
        Assert.AreEqual("FAILED", run1.Status, "It was not completed.");
    }

    [TestMethod]
    public void TextsAreCutToWhatEveryServerTakes()
    {
        Assert.AreEqual(new string('a', 497) + "...", MlflowText.Parameter(new string('a', 501)));
        Assert.AreEqual(new string('a', 500), MlflowText.Parameter(new string('a', 500)));
        Assert.AreEqual(
            new string('a', 496) + "...", MlflowText.Parameter(new string('a', 496) + "😀😀😀"), "No half of a character.");
        Assert.AreEqual(5000, MlflowText.Tag(new string('a', 6000)).Length);
        Assert.AreEqual("epoch/validation_Größe_a_b", MlflowText.Key("/epoch/validation_Größe:a*b"));
        Assert.AreEqual("a/.b/c", MlflowText.Key("a//.b/../c/"));
        Assert.AreEqual("_", MlflowText.Key(".."));
        Assert.AreEqual(249, MlflowText.Key(new string('a', 249) + "/b").Length);

        var tracking = new MlflowTracking(new Uri("http://127.0.0.1"), "e");
        var task = LearningTask.Several([.. Enumerable.Range(0, 12).Select(i => new TaskHead($"Head{i}", LearningTask.Multiclass()))]);
        var beginning = MlflowBeginning.Of(tracking, SmallTraining.Options with { Task = task }, 1, 0);
        Assert.AreEqual(500, beginning.Parameters["Task"].Length);
        Assert.AreEqual(task.ToString(), beginning.Tags["options.Task"]);
    }

    [TestMethod]
    public void AnAddressThatCannotBeOneIsRefused()
    {
        foreach (var address in (string[])["ftp://a", "mlruns", "http://user:password@a", "http://a?token=1"])
            Assert.Throws<ArgumentException>(() => new MlflowTracking(new Uri(address, UriKind.RelativeOrAbsolute), "e"), address);
        Assert.Throws<ArgumentException>(() => new MlflowTracking(new Uri("http://a"), " "));
        Assert.Throws<ArgumentException>(() => new MlflowTracking(new Uri("http://a"), new string('e', 501)));
        var tracking = new MlflowTracking(new Uri("http://a"), "e");
        Assert.Throws<ArgumentException>(() => tracking.WithUser("a:b", "c"));
        Assert.Throws<ArgumentOutOfRangeException>(() => tracking with { RequestTimeout = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => tracking with { FinishTimeout = TimeSpan.FromHours(2) });
    }

    private Task<FineTuningTransformer> FitAsync(MlflowTracking tracking, IProgress<TrainingProgress>? progress = null) =>
        Task.Run(() => SmallTraining.Fit(
            _ml, SmallTraining.Options with { Mlflow = tracking, Progress = progress }, SmallPictures.Take(8))).WaitAsync(Patience.Limit);

    private static MlflowSender Sender(MlflowTracking tracking, TimeProvider? time = null) =>
        new(tracking, MlflowBeginning.Of(tracking, SmallTraining.Options, 1, 1_700_000_000_000), time ?? new InstantTime());

    private static async Task<bool> NeverAnswerAsync(HttpContext context)
    {
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        return true;
    }

    private sealed class AfterStep(Action act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => act();
    }

    /// <summary>A clock whose delays end by cancellation only.</summary>
    private sealed class StillTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
    }
}
