using System.Runtime.CompilerServices;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The models of a zip while ML.NET writes or reads it, so that a later transformer of the same chain can refer to a model before it
/// instead of storing its weights again. Released with ML.NET's object for the zip.
/// </summary>
internal static class ArchivedModels
{
    // The key is the repository, which all entries of a zip share while it is written or read.
    private static readonly ConditionalWeakTable<object, List<(string Folder, FineTuningTransformer Model)>> s_models = [];

    /// <summary>Registers a model of the zip.</summary>
    /// <param name="repository">ML.NET's object for the zip; null if there is none.</param>
    /// <param name="folder">Folder of the model in the zip.</param>
    /// <param name="model">The model that was written or read.</param>
    public static void Add(object? repository, string? folder, FineTuningTransformer model)
    {
        if (repository is null)
            return;
        var models = s_models.GetOrCreateValue(repository);
        lock (models)
            models.Add((Normal(folder), model));
    }

    /// <summary>The folder of the model with this network; null if there is none before.</summary>
    public static string? FolderOf(object? repository, SharedNetwork network) =>
        Find(repository, one => ReferenceEquals(one.Model.Scorer.Shared, network)).Folder;

    /// <summary>The model of a folder; null if there is none before.</summary>
    public static FineTuningTransformer? In(object? repository, string folder) =>
        Find(repository, one => one.Folder == Normal(folder)).Model;

    /// <summary>
    /// Disposes the models that were read from a zip that fails to load: ML.NET neither returns nor disposes them.
    /// </summary>
    public static void DisposeAll(object? repository)
    {
        if (repository is null || !s_models.TryGetValue(repository, out var models))
            return;
        lock (models)
            models.ForEach(one => one.Model.Dispose());
    }

    private static (string? Folder, FineTuningTransformer? Model) Find(
        object? repository, Func<(string Folder, FineTuningTransformer Model), bool> isMeant)
    {
        if (repository is null || !s_models.TryGetValue(repository, out var models))
            return default;
        lock (models)
            return models.Where(isMeant).Select(one => ((string?, FineTuningTransformer?))one).FirstOrDefault();
    }

    // Archives written on Windows have the other separator.
    private static string Normal(string? folder) => (folder ?? "").Replace('\\', '/');
}
