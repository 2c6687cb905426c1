using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>The environment (log, seed, device, component catalog) that a catalog was made with.
/// ML.NET's access to it is internal.</summary>
internal static class Contexts
{
    public static IHostEnvironment GetEnvironment(TrainCatalogBase.CatalogInstantiatorBase trainers) =>
        CatalogUtils.GetEnvironment(trainers);

    public static IHostEnvironment GetEnvironment(ModelOperationsCatalog models) => ((IInternalCatalog)models).Environment;

    public static IHostEnvironment GetEnvironment(DataOperationsCatalog data) => ((IInternalCatalog)data).Environment;

    public static IHostEnvironment GetEnvironment(TransformsCatalog transforms) => CatalogUtils.GetEnvironment(transforms);

    /// <summary>The seed of <see cref="MLContext"/>; null where none was given.</summary>
    public static int? Seed(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).Seed;

    /// <summary>The folder of <see cref="MLContext.TempFilePath"/>.</summary>
    public static string TemporaryFolder(IHostEnvironment environment) => ((IHostEnvironmentInternal)environment).TempFilePath;

    public static (int? GpuDeviceId, bool FallbackToCpu) Device(IHostEnvironment environment)
    {
        var host = (IHostEnvironmentInternal)environment;
        return (host.GpuDeviceId, host.FallbackToCpu);
    }
}
