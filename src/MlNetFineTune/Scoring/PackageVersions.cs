using System.Reflection;
using Microsoft.ML;
using TorchSharp;

namespace MlNetFineTune.Scoring;

/// <summary>Versions of the packages that compute, for the model file and the report.</summary>
internal static class PackageVersions
{
    public static SortedDictionary<string, string> Current => new(StringComparer.Ordinal)
    {
        ["MlNetFineTune"] = VersionOf(typeof(PackageVersions).Assembly),
        ["Microsoft.ML"] = VersionOf(typeof(MLContext).Assembly),
        ["TorchSharp"] = VersionOf(typeof(torch).Assembly),
        ["libtorch"] = typeof(PackageVersions).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "LibTorchVersion").Value!,
    };

    private static string VersionOf(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? assembly.GetName().Version!.ToString();
}
