using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace MlNetFineTune.MlNet;

/// <summary>The environment (log, seed, device, component catalog) that a catalog was made with. ML.NET keeps the way to it internal.</summary>
internal static class Contexts
{
    public static IHostEnvironment GetEnvironment(TrainCatalogBase catalog) => CatalogUtils.GetEnvironment(catalog);

    public static IHostEnvironment GetEnvironment(TrainCatalogBase.CatalogInstantiatorBase trainers) => CatalogUtils.GetEnvironment(trainers);

    public static IHostEnvironment GetEnvironment(TransformsCatalog catalog) => CatalogUtils.GetEnvironment(catalog);

    public static IHostEnvironment GetEnvironment(ModelOperationsCatalog catalog) => CatalogUtils.GetEnvironment(catalog);

    public static IHostEnvironment GetEnvironment(DataOperationsCatalog catalog) => CatalogUtils.GetEnvironment(catalog);
}
