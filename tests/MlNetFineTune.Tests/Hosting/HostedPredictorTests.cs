using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.ML;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Hosting;

/// <summary>Options, names, start and end of predictors in a host.</summary>
[TestClass]
public sealed class HostedPredictorTests : IDisposable
{
    private readonly HostedModels _models = new();
    private readonly ServedPhoto _photo = ServedPhoto.Take(1)[0];

    public void Dispose() => _models.Dispose();

    [TestMethod]
    public async Task TheFileThatTheConfigurationNamesIsServed()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync();

        var predictor = host.Services.GetRequiredService<HostedPredictor<ServedPhoto, ServedClass>>();
        var prediction = await predictor.PredictAsync(_photo);

        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.First, _photo)], [prediction.Score]);
        Assert.AreSame(predictor, HostedModels.PredictorOf(host));
        Assert.AreEqual(_models.Path, predictor.Model.Path);
        Assert.AreEqual(
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(HostedModels.First)), predictor.Model.Sha256);
        Assert.AreEqual(1, predictor.Metrics.Rows);
        await host.StopAsync();
        Assert.AreEqual(1, predictor.Metrics.Rows, "They stay.");
    }

    [TestMethod]
    public async Task PredictorsOfTheSameTypesHaveTheirOwnModelsByName()
    {
        _models.Put(HostedModels.First, "first.zip");
        _models.Put(HostedModels.Second, "second.zip");
        using var host = _models.Build(
            services =>
            {
                services.AddPredictor<ServedPhoto, ServedClass>("first").BindConfiguration("First");
                services.AddPredictor<ServedPhoto, ServedClass>("second").BindConfiguration("Second");
                services.AddHealthChecks().AddPredictor("first").AddPredictor("second");
            },
            ("First:ModelPath", "first.zip"), ("Second:ModelPath", _models.Folder.File("second.zip")));
        await host.StartAsync();

        var first = (await HostedModels.PredictorOf(host, "first").PredictAsync(_photo)).Score;
        var second = (await HostedModels.PredictorOf(host, "second").PredictAsync(_photo)).Score;

        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.First, _photo)], [first]);
        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.Second, _photo)], [second]);
        Assert.IsNull(host.Services.GetService<HostedPredictor<ServedPhoto, ServedClass>>(), "There is none without a name.");
        Assert.AreEqual(HealthStatus.Healthy, (await HostedModels.HealthOf(host, "predictor second")).Status);
        await host.StopAsync();
    }

    [TestMethod]
    public async Task TheSameNameTwiceIsAnError()
    {
        using var host = _models.Build(services =>
        {
            services.AddPredictor<ServedPhoto, ServedClass>("flowers");
            var twice = Assert.ThrowsExactly<ArgumentException>(() => services.AddPredictor<ServedPhoto, ServedClass>("flowers"));
            StringAssert.StartsWith(twice.Message, "Predictor 'flowers' was added already");
        });
        await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync()); // it has no path
    }

    [TestMethod]
    public async Task EveryFaultOfTheOptionsIsNamedBeforeTheHostStarts()
    {
        using var host = _models.Build(
            services => services.AddPredictor<ServedPhoto, ServedClass>("flowers").BindConfiguration("Flowers"),
            ("Flowers:Workers", "0"), ("Flowers:MaxDelay", "00:02:00"), ("Flowers:QueueCapacity", "-1"), ("Flowers:MaxBatchSize", "0"),
            ("Flowers:WatchInterval", "00:00:00"));

        var refused = await Assert.ThrowsExactlyAsync<OptionsValidationException>(() => host.StartAsync());

        CollectionAssert.AreEqual(new[]
        {
            "Predictor 'flowers': ModelPath is missing: set it to the path of the model's zip file, as \"ModelPath\": \"model.zip\" in the "
                + "bound section of the configuration.",
            "Predictor 'flowers': WatchInterval is 00:00:00: the interval must be from 00:00:00.0100000 to 1.00:00:00.",
            "Predictor 'flowers': MaxBatchSize is 0: A batch has at least 1 row.",
            "Predictor 'flowers': MaxDelay is 00:02:00: The delay must be from zero to 00:01:00.",
            "Predictor 'flowers': QueueCapacity is -1: The queue holds at least 1 row.",
            "Predictor 'flowers': Workers is 0: There is at least 1 worker.",
        }, refused.Failures.ToArray());
    }

    [TestMethod]
    public async Task TwoSourcesOfAModelContradictEachOther()
    {
        using var host = _models.Build(services => services.AddPredictor<ServedPhoto, ServedClass>()
            .Configure(options => (options.ModelPath, options.FindModel) = ("model.zip", () => "other.zip")));

        var refused = await Assert.ThrowsExactlyAsync<OptionsValidationException>(() => host.StartAsync());

        StringAssert.StartsWith(refused.Message, "The predictor: both ModelPath and FindModel are set");
    }

    [TestMethod]
    public async Task AMissingFileEndsTheStartWithItsFullPath()
    {
        var missing = await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => _models.StartAsync());

        StringAssert.StartsWith(missing.Message, $"The predictor cannot start with the model '{_models.Path}': ");
        Assert.IsInstanceOfType<FileNotFoundException>(missing.InnerException);
    }

    [TestMethod]
    public async Task AFindModelThatFindsNoneEndsTheStart()
    {
        foreach (var (find, reason) in ((Func<string>, string)[])[
            (() => null!, "FindModel returned no path: it must return that of a model's zip file."),
            (() => throw new TimeoutException("the database is away"), "the database is away")])
        {
            using var host = _models.Build(services =>
                services.AddPredictor<ServedPhoto, ServedClass>("flowers").Configure(options => options.FindModel = find));

            var refused = await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => host.StartAsync());

            Assert.AreEqual($"Predictor 'flowers' cannot start: {reason}", refused.Message);
        }
    }

    [TestMethod]
    public async Task AnExampleThatCannotBeScoredEndsTheStart()
    {
        _models.Put(HostedModels.First);
        var poison = new ServedPhoto("", () => throw new InvalidOperationException("this row is bad"));

        var refused = await Assert.ThrowsExactlyAsync<InvalidOperationException>(
            () => _models.StartAsync(options => options.Example = poison));

        StringAssert.Contains(refused.Message, "this row is bad");
    }

    [TestMethod]
    public async Task BeforeTheStartAndAfterTheEndThereIsNoModel()
    {
        _models.Put(HostedModels.First);
        var host = _models.Build(services =>
        {
            services.AddPredictor<ServedPhoto, ServedClass>().Configure(options => options.ModelPath = "model.zip");
            services.AddHealthChecks().AddPredictor();
        });
        var predictor = HostedModels.PredictorOf(host);

        var early = await Assert.ThrowsExactlyAsync<InvalidOperationException>(() => predictor.PredictAsync(_photo));
        StringAssert.Contains(early.Message, "it is read when the host starts");
        Assert.AreEqual(HealthStatus.Unhealthy, (await HostedModels.HealthOf(host)).Status);

        await host.StartAsync();
        Assert.AreEqual(HealthStatus.Healthy, (await HostedModels.HealthOf(host)).Status);
        Assert.AreEqual(_models.Path, (await HostedModels.HealthOf(host)).Data["modelPath"]);

        await host.StopAsync();
        Assert.AreEqual(HealthStatus.Unhealthy, (await HostedModels.HealthOf(host)).Status);
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => predictor.PredictAsync(_photo));
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => predictor.SwitchAsync(_models.Path));
        Assert.ThrowsExactly<ObjectDisposedException>(() => predictor.Model);
        Assert.ThrowsExactly<ObjectDisposedException>(() => predictor.Use(_ => 1));
        host.Dispose(); // a second end, and a third: the container knows the predictor by its type and by its key
    }

    [TestMethod]
    public async Task TheEndAnswersWhatWaits()
    {
        _models.Put(HostedModels.First);
        using var gate = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        var host = await _models.StartAsync(options => options.Workers = 1);
        var predictor = HostedModels.PredictorOf(host);
        var held = predictor.PredictAsync(ServedPhoto.Holding(gate, reached));
        Assert.IsTrue(reached.Wait(Patience.Limit));
        var waits = predictor.PredictAsync(_photo);

        var stopped = host.StopAsync();
        Assert.IsFalse(stopped.IsCompleted);
        gate.Set();
        await stopped;

        Assert.IsGreaterThan(0u, (await held).PredictedLabel);
        Assert.IsGreaterThan(0u, (await waits).PredictedLabel);
        host.Dispose();
    }

    [TestMethod]
    public async Task AnApplicationThatKnowsItsModelsFindsTheFirstAndSwitches()
    {
        _models.Put(HostedModels.First, "1.zip");
        _models.Put(HostedModels.Second, "2.zip");
        using var host = _models.Build(services => services.AddPredictor<ServedPhoto, ServedClass>()
            .Configure(options => options.FindModel = () => _models.Folder.File("1.zip")));
        await host.StartAsync();
        var predictor = HostedModels.PredictorOf(host);

        await predictor.SwitchAsync(_models.Folder.File("2.zip"));
        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.Second, _photo)], [(await predictor.PredictAsync(_photo)).Score]);

        await Assert.ThrowsAsync<IOException>(() => predictor.SwitchAsync(_models.Folder.File("3.zip")));
        File.WriteAllText(_models.Folder.File("3.zip"), "no model");
        await Assert.ThrowsAsync<Exception>(() => predictor.SwitchAsync(_models.Folder.File("3.zip")));
        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.Second, _photo)], [(await predictor.PredictAsync(_photo)).Score]);

        await predictor.SwitchAsync(_models.Folder.File("1.zip"));
        Assert.AreEqual(_models.Folder.File("1.zip"), predictor.Model.Path);
        SmallTraining.AssertClose([HostedModels.ScoresOf(HostedModels.First, _photo)], [(await predictor.PredictAsync(_photo)).Score]);
        await host.StopAsync();
    }

    [TestMethod]
    public async Task ALineOfMlNetsLogHasTheCategoryOfItsComponent()
    {
        _models.Put(HostedModels.First);
        using var host = await _models.StartAsync();
        var ml = host.Services.GetRequiredService<MLContext>();

        using var model = SmallTraining.Fit(ml, SmallTraining.Options with { Epochs = 1 }, SmallPictures.Take(4));

        var epoch = _models.Log.Lines.Single(line => line.Text.StartsWith("Epoch 1/1: loss ", StringComparison.Ordinal));
        Assert.AreEqual(LogLevel.Information, epoch.Level);
        StringAssert.StartsWith(epoch.Category, "Microsoft.ML.");
        StringAssert.DoesNotMatch(epoch.Category, new System.Text.RegularExpressions.Regex("[;=, ]"));
        Assert.IsTrue(_models.Log.Lines.Any(line => line.Category == "MlNetFineTune.Hosting" && line.Level == LogLevel.Information
            && line.Text.StartsWith($"The predictor serves {_models.Path} (SHA-256 ", StringComparison.Ordinal)));
        await host.StopAsync();
    }
}
