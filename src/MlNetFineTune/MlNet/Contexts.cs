using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>The environment (log, seed, device, component catalog) that a catalog was made with.
/// ML.NET keeps the way to it internal.</summary>
internal static class Contexts
{
    public static IHostEnvironment GetEnvironment(TrainCatalogBase.CatalogInstantiatorBase trainers) =>
        CatalogUtils.GetEnvironment(trainers);

    public static IHostEnvironment GetEnvironment(ModelOperationsCatalog models) => ((IInternalCatalog)models).Environment;

    public static IHostEnvironment GetEnvironment(DataOperationsCatalog data) => ((IInternalCatalog)data).Environment;

    /// <summary>The seed given to <see cref="MLContext"/>, if any.</summary>
    public static int? Seed(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).Seed;

    /// <summary>Where <see cref="MLContext.TempFilePath"/> says.</summary>
    public static string TemporaryFolder(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).TempFilePath;

    public static (int? GpuDeviceId, bool FallbackToCpu) Device(IHostEnvironment environment)
    {
        var host = (IHostEnvironmentInternal)environment;
        return (host.GpuDeviceId, host.FallbackToCpu);
    }
}
