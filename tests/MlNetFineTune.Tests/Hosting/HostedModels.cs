using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.ML;
using MlNetFineTune.Tests.Serving;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Hosting;

/// <summary>Hosts with predictors of two models that differ, in a folder that is their content root.</summary>
internal sealed class HostedModels : IDisposable
{
    private static readonly Lazy<byte[]> s_second = new(() =>
    {
        var ml = new MLContext();
        using var model = SmallTraining.Fit(ml, SmallTraining.Options with { Epochs = 1 }, SmallPictures.Take(4));
        return SmallTraining.Save(ml, model);
    });

    public static byte[] First => SmallTraining.ModelZip;

    public static byte[] Second => [.. s_second.Value];

    public Folder Folder { get; } = new();

    public HostLog Log { get; } = new();

    public string Path => Folder.File("model.zip");

    /// <summary>As a careful writer does: beside, and renamed.</summary>
    public void Put(byte[] content, string name = "model.zip")
    {
        File.WriteAllBytes(Folder.File(name + ".new"), content);
        File.Move(Folder.File(name + ".new"), Folder.File(name), overwrite: true);
    }

    /// <summary>A host, not started.</summary>
    /// <param name="add">Adds predictors.</param>
    /// <param name="settings">The configuration.</param>
    public IHost Build(Action<IServiceCollection> add, params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            ContentRootPath = Folder.Path,
            DisableDefaults = true,
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)));
        builder.Logging.ClearProviders().AddProvider(Log).SetMinimumLevel(LogLevel.Trace);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = Patience.Limit);
        add(builder.Services);
        return builder.Build();
    }

    /// <summary>One predictor of model.zip, whose file is looked at every 20 ms; started.</summary>
    public async Task<IHost> StartAsync(Action<HostedPredictorOptions<ServedPhoto>>? configure = null)
    {
        var host = Build(services =>
        {
            services.AddPredictor<ServedPhoto, ServedClass>().BindConfiguration("Photos").Configure(options => configure?.Invoke(options));
            services.AddHealthChecks().AddPredictor();
        }, ("Photos:ModelPath", "model.zip"), ("Photos:WatchInterval", "00:00:00.020"));
        await host.StartAsync();
        return host;
    }

    public static HostedPredictor<ServedPhoto, ServedClass> PredictorOf(IHost host, string name = "") =>
        host.Services.GetRequiredKeyedService<HostedPredictor<ServedPhoto, ServedClass>>(name);

    public static async Task<HealthReportEntry> HealthOf(IHost host, string check = "predictor") =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries[check];

    /// <summary>What a model scores for a picture by itself.</summary>
    public static float[] ScoresOf(byte[] zip, ServedPhoto photo)
    {
        var ml = new MLContext();
        using var model = (FineTuningTransformer)ml.Model.Load(new MemoryStream(zip), out _);
        return SmallTraining.Scores(model.Transform(ml.Data.LoadFromEnumerable<ServedPhoto>([photo])))[0];
    }

    public void Dispose() => Folder.Dispose();
}
