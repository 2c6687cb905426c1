using MlNetFineTune.Networks;

namespace MlNetFineTune.Benchmarks;

/// <summary>
/// Real weights and photos: in the folder of the variable MLNETFINETUNE_DATA, otherwise in <c>shared</c> beside the repository.
/// </summary>
internal static class SharedFiles
{
    // A variable of the environment, so that processes which a benchmark starts know it as well.
    private const string RealWeights = "MLNETFINETUNE_BENCHMARKS_REAL_WEIGHTS";

    public static string RepositoryRoot { get; } = FindRoot();

    public static string Root => Environment.GetEnvironmentVariable("MLNETFINETUNE_DATA") is { Length: > 0 } folder
        ? folder
        : Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared"));

    public static string Require(string relativePath) => Path.Combine(Root, relativePath) is var path && Path.Exists(path)
        ? path
        : throw new CannotRunException($"There is no '{relativePath}' in '{Root}'. Set MLNETFINETUNE_DATA to the folder that holds it.");

    /// <summary>From now on, and in all processes that are started, missing weights are an error: for results that are stored.</summary>
    public static void RequireRealWeights() => Environment.SetEnvironmentVariable(RealWeights, "1");

    /// <summary>
    /// Real weights if available, otherwise random ones, which take the same time; an error after <see cref="RequireRealWeights"/>.
    /// </summary>
    public static Backbone MobileNetV2() => WithWeights(Backbone.MobileNetV2, "mobilenetv2_100.safetensors");

    /// <inheritdoc cref="MobileNetV2"/>
    public static Backbone MobileNetV1Quarter() => WithWeights(Backbone.MobileNetV1(0.25f), "mobilenetv1_025.safetensors");

    private static Backbone WithWeights(Backbone backbone, string file)
    {
        var name = $"weights/{file}";
        var weights = Path.Combine(Root, name);
        if (File.Exists(weights))
            return backbone.WithWeights(weights);
        if (Environment.GetEnvironmentVariable(RealWeights) is not null)
        {
            throw new CannotRunException($"There is no '{name}' in '{Root}', and a result of random weights is not stored. "
                + "Set MLNETFINETUNE_DATA to the folder that holds it, or run without --record.");
        }
        Console.WriteLine($"(random weights: there is no '{name}')"); // a relative name: results are published
        return backbone.FromScratch() with { Padding = Backbone.ConvolutionPadding.TensorFlowSame };
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MlNetFineTune.sln")))
                return folder.FullName;
        }
        throw new CannotRunException("Run the benchmarks from the repository.");
    }
}
