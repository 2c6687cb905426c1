using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Composes the application.</summary>
internal static class PhotoDeskApp
{
    /// <summary>Limit for requests other than uploads, such as labels.</summary>
    private const int LargestJsonBytes = 16 << 10;

    private static readonly Dictionary<string, string> Switches =
        new() { ["--data"] = $"{PhotoDeskOptions.Section}:{nameof(PhotoDeskOptions.DataFolder)}" };

    /// <summary>The caller starts and disposes it.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddCommandLine(args, Switches);
        if (builder.Configuration["urls"] is null)
            builder.WebHost.UseUrls("http://127.0.0.1:5080");
        // Other host names are rejected against DNS rebinding. Behind a proxy set --AllowedHosts NAME.
        builder.Configuration["AllowedHosts"] ??= "localhost;127.0.0.1;[::1]";
        builder.Configuration["Logging:LogLevel:Microsoft.AspNetCore"] ??= "Warning";

        var services = builder.Services;
        services.AddOptions<PhotoDeskOptions>().BindConfiguration(PhotoDeskOptions.Section).ValidateDataAnnotations()
            .Validate(options => options.LargestWaitingBytes >= options.LargestUploadBytes,
                "LargestWaitingBytes must be no less than LargestUploadBytes: one upload must fit.")
            .Validate(options => options.KnownProxies.All(Proxies.IsProxy),
                "KnownProxies must be addresses such as 10.0.0.7 or networks such as 10.0.0.0/8.")
            .Validate(options => options.SignIn.Users.All(user => user.Key.Length > 0 && SignIn.IsHash(user.Value)),
                "SignIn:Users must be names with password hashes: make them by the command hash-password NAME.")
            .Validate(options => !options.SignIn.ProtectReads || options.SignIn.Users.Count > 0,
                "SignIn:ProtectReads needs SignIn:Users: nobody could read.")
            .ValidateOnStart();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<Database>().AddSingleton<PhotoStore>().AddSingleton<ModelStore>().AddSingleton<HeldOutStore>()
            .AddSingleton<TrainingStore>();
        services.AddSingleton<HeldOutJudge>().AddSingleton<ServedModel>().AddSingleton<UploadReader>().AddSingleton<UploadMemory>()
            .AddSingleton<UploadTurns>().AddSingleton<PhotoIntake>().AddSingleton<QueueStore>().AddSingleton<LabelQueue>();
        services.AddSingleton<TrainingFeed>().AddSingleton<Cleaner>().AddSingleton<Retrainer>()
            .AddSingleton<RequestMetrics>().AddSingleton<MetricsPage>();
        services.ConfigureHttpJsonOptions(
            json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase)));
        services.AddProblems().AddRateLimits().AddProxies();
        SignIn.AddTo(services, builder.Configuration);
        // Started in this order before the web server, and stopped in reverse order after it.
        services.AddHostedService<DeskStartup>();
        services.AddPredictor<PhotoRow, JudgedRow>().Configure<ModelStore>((options, models) =>
        {
            options.FindModel = () => models.PathOf(models.Active.Id);
            options.LoadModel = ServedChain.Load;
            options.Example = new PhotoRow { Photo = EmbeddedPictures.Draw(1)[0].Content }; // warmed up before the first request
        });
        services.AddHostedService(provider => provider.GetRequiredService<Cleaner>());
        services.AddHostedService(provider => provider.GetRequiredService<Retrainer>());
        services.AddHealthChecks().AddCheck<DeskHealth>(DeskHealth.Name).AddPredictor();

        services.AddHostFiltering(options => options.IncludeFailureMessage = false);
        builder.WebHost.ConfigureKestrel((_, kestrel) =>
        {
            kestrel.AddServerHeader = false;
            var rate =
                new MinDataRate(kestrel.ApplicationServices.GetRequiredService<IOptions<PhotoDeskOptions>>().Value.LeastBytesPerSecond,
                    TimeSpan.FromSeconds(5));
            (kestrel.Limits.MinRequestBodyDataRate, kestrel.Limits.MinResponseDataRate) = (rate, rate);
            kestrel.Limits.MaxRequestBodySize = LargestJsonBytes; // uploads have their own limit: PhotoEndpoints
        });

        var app = builder.Build();
        app.UseProxies();
        app.Use(app.Services.GetRequiredService<RequestMetrics>().MeasureAsync);
        app.UseSecurityHeaders();
        app.UseExceptionHandler();
        app.UseStatusCodePages(); // 404 and 405 as problems too
        app.UseRateLimiter();
        app.UseCsrfGuard();
        SignIn.Use(app);
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.MapPhotos();
        app.MapQueue();
        app.MapExamples();
        app.MapTrainings();
        app.MapModels();
        app.MapSession();
        app.MapOperations();
        return app;
    }
}
