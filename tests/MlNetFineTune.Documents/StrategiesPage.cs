namespace MlNetFineTune.Documents;

/// <summary>Code of docs/strategies.md.</summary>
internal static class StrategiesPage
{
    public static ImageFineTuningOptions Cached(ImageFineTuningOptions usual)
    {
        var options = usual with { FeatureCache = FeatureCache.InFolder("features") }; // memory-mapped files that outlast the training
        return options;
    }
}
