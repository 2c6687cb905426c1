using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Hosting;

/// <summary>The snippets of docs/hosting.md: they are compiled here, run here, and are the same there, line by line.</summary>
[TestClass]
public sealed class HostingSnippetsTests : IDisposable
{
    private readonly HostedModels _models = new();

    public void Dispose() => _models.Dispose();

    [TestMethod]
    public void Web()
    {
        _models.Put(HostedModels.First);
        File.Copy(SmallPictures.PathOf("dots", 0), _models.Folder.File("example.png"));
        string[] args = ["--contentRoot", _models.Folder.Path, "--urls", "http://127.0.0.1:0", "--Photos:ModelPath", "model.zip",
            "--Photos:Example:ImagePath", _models.Folder.File("example.png"), "--Logging:LogLevel:Default", "None"];
        // begin
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddPredictor<Photo, Prediction>().BindConfiguration("Photos");
        builder.Services.AddHealthChecks().AddPredictor();
        var app = builder.Build();
        app.MapPost("/classify", async (Photo photo, HostedPredictor<Photo, Prediction> predictor, CancellationToken aborted) =>
        {
            try { return Results.Ok(await predictor.PredictAsync(photo, aborted)); }
            catch (PredictorBusyException) { return Results.StatusCode(503); }
        });
        app.MapHealthChecks("/health");
        // end
        app.Start();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()), Timeout = Patience.Limit };
        using var answer = http.PostAsJsonAsync("classify", new Photo { ImagePath = _models.Folder.File("example.png") }).Result;
        Assert.AreEqual(HttpStatusCode.OK, answer.StatusCode);
        Assert.HasCount(3, answer.Content.ReadFromJsonAsync<Prediction>().Result!.Score);
        Assert.AreEqual("Healthy", http.GetStringAsync("health").Result);
        app.StopAsync().Wait();
        ((IDisposable)app).Dispose();
        Snippets.VerifyDocumented("Hosting/HostingSnippetsTests.cs", nameof(Web), "hosting.md");
    }

    [TestMethod]
    public void Names()
    {
        var services = new ServiceCollection();
        IConfiguration configuration = new ConfigurationBuilder().Build();
        // begin
        services.AddPredictor<Photo, Prediction>("flowers").Bind(configuration.GetSection("Flowers"));
        services.AddPredictor<Photo, Prediction>("birds").Bind(configuration.GetSection("Birds"));
        services.AddHealthChecks().AddPredictor("flowers").AddPredictor("birds");
        // end
        Assert.AreEqual(2, services.Count(service => service.ServiceType == typeof(HostedPredictor<Photo, Prediction>)));
        Snippets.VerifyDocumented("Hosting/HostingSnippetsTests.cs", nameof(Names), "hosting.md");
    }

    [TestMethod]
    public void Context()
    {
        var services = new ServiceCollection();
        // begin
        services.AddSingleton(provider =>
        {
            var ml = new MLContext { GpuDeviceId = 0, FallbackToCpu = true };
            ml.LogTo(provider.GetRequiredService<ILoggerFactory>());
            return ml;
        });
        // end
        services.AddPredictor<Photo, Prediction>();
        using var provider = services.BuildServiceProvider();
        Assert.AreEqual(0, provider.GetRequiredService<MLContext>().GpuDeviceId);
        Snippets.VerifyDocumented("Hosting/HostingSnippetsTests.cs", nameof(Context), "hosting.md");
    }

    private sealed class Photo
    {
        public string ImagePath { get; set; } = "";
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];
    }
}
