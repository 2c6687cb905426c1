using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.ML;
using MlNetFineTune;
using MlNetFineTune.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Predictors as services of a host.</summary>
public static class PredictorHostingExtensions
{
    /// <summary>
    /// Adds a <see cref="HostedPredictor{TIn, TOut}"/>, which reads its model when the host starts and ends with it. One without a name is
    /// resolved by its type, one with a name as a keyed service (<c>[FromKeyedServices("name")]</c>). It uses the <see cref="MLContext"/>
    /// of the services; if there is none, one is added, whose log goes to <see cref="ILogger"/>.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="name">Name of the predictor. Default: none.</param>
    /// <typeparam name="TIn">Type of an input row.</typeparam>
    /// <typeparam name="TOut">Type of an output row: the columns that are returned.</typeparam>
    /// <returns>
    /// The options, to bind to a section of the configuration (<c>BindConfiguration("Photos")</c>) or to set in code
    /// (<c>Configure(...)</c>). They are checked when the host starts.
    /// </returns>
    /// <exception cref="ArgumentException">There is a predictor of this name.</exception>
    public static OptionsBuilder<HostedPredictorOptions<TIn>> AddPredictor<TIn, TOut>(this IServiceCollection services, string name = "")
        where TIn : class
        where TOut : class, new()
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(name);
        var named = new PredictorName(name);
        if (services.Any(known => known.ServiceType == typeof(PredictorState) && Equals(known.ServiceKey, name)))
            throw new ArgumentException($"{named} was added already: give each its own name.", nameof(name));

        services.AddMetrics().AddLogging();
        services.TryAddSingleton(CreateContext);
        services.TryAddSingleton<PredictorInstruments>();
        services.AddKeyedSingleton(name, (_, _) => new PredictorState(named));
        services.AddKeyedSingleton(name, (provider, _) => Create<TIn, TOut>(provider, name));
        if (name.Length == 0)
            services.AddSingleton(provider => provider.GetRequiredKeyedService<HostedPredictor<TIn, TOut>>(name));
        // Not AddHostedService, which would take a second predictor of the same types for the first.
        services.AddSingleton<IHostedService>(provider => new PredictorService<TIn, TOut>(
            provider.GetRequiredKeyedService<HostedPredictor<TIn, TOut>>(name), OptionsOf<TIn>(provider, name),
            provider.GetRequiredKeyedService<PredictorState>(name), ContentRootOf(provider), TimeOf(provider), LogOf(provider)));
        services.AddSingleton<IValidateOptions<HostedPredictorOptions<TIn>>>(new HostedPredictorValidation<TIn>(named));
        return services.AddOptions<HostedPredictorOptions<TIn>>(name).ValidateOnStart();
    }

    /// <summary>
    /// Adds a health check of a predictor: degraded where an earlier model serves because a new file cannot be used.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">Name of the predictor. Default: the one without a name.</param>
    /// <param name="failureStatus">Status where no model serves. Default null: unhealthy.</param>
    /// <param name="tags">Tags of the check. Default null: none.</param>
    public static IHealthChecksBuilder AddPredictor(
        this IHealthChecksBuilder builder, string name = "", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        return builder.Add(new HealthCheckRegistration(
            name.Length == 0 ? "predictor" : $"predictor {name}",
            provider => new PredictorHealthCheck(provider.GetKeyedService<PredictorState>(name)
                ?? throw new InvalidOperationException($"There is no predictor '{name}': add it by services.AddPredictor.")),
            failureStatus, tags));
    }

    private static HostedPredictor<TIn, TOut> Create<TIn, TOut>(IServiceProvider provider, string name)
        where TIn : class
        where TOut : class, new() =>
        new(provider.GetRequiredService<MLContext>(), OptionsOf<TIn>(provider, name),
            provider.GetRequiredKeyedService<PredictorState>(name), provider.GetRequiredService<PredictorInstruments>(),
            ContentRootOf(provider), TimeOf(provider), LogOf(provider));

    private static MLContext CreateContext(IServiceProvider provider)
    {
        var ml = new MLContext();
        ml.LogTo(provider.GetRequiredService<ILoggerFactory>());
        return ml;
    }

    private static HostedPredictorOptions<TIn> OptionsOf<TIn>(IServiceProvider provider, string name)
        where TIn : class =>
        provider.GetRequiredService<IOptionsMonitor<HostedPredictorOptions<TIn>>>().Get(name);

    private static string ContentRootOf(IServiceProvider provider) =>
        provider.GetService<IHostEnvironment>()?.ContentRootPath ?? Environment.CurrentDirectory;

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetService<TimeProvider>() ?? TimeProvider.System;

    private static ILogger LogOf(IServiceProvider provider) =>
        provider.GetRequiredService<ILoggerFactory>().CreateLogger(HostingLog.Category);
}
