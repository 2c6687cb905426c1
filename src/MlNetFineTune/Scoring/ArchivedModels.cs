using System.Runtime.CompilerServices;

namespace MlNetFineTune.Scoring;

/// <summary>
/// The models that a zip has held so far, while ML.NET writes it or reads it, so that another transformer of the same chain refers to a
/// model that stands before it instead of holding its weights once more. Forgotten with ML.NET's object for the zip.
/// </summary>
internal static class ArchivedModels
{
    // By the repository that all entries of one zip share while it is written or read.
    private static readonly ConditionalWeakTable<object, List<(string Folder, FineTuningTransformer Model)>> s_models = [];

    /// <summary>Notes a model of the zip.</summary>
    /// <param name="repository">ML.NET's object for the zip; null where there is none.</param>
    /// <param name="folder">The model's in the zip.</param>
    /// <param name="model">Written or read.</param>
    public static void Add(object? repository, string? folder, FineTuningTransformer model)
    {
        if (repository is null)
            return;
        var models = s_models.GetOrCreateValue(repository);
        lock (models)
            models.Add((Normal(folder), model));
    }

    /// <summary>The folder of the model that scores with this network; null where there is none yet.</summary>
    public static string? FolderOf(object? repository, SharedNetwork network) =>
        Find(repository, one => ReferenceEquals(one.Model.Scorer.Shared, network)).Folder;

    /// <summary>The model of a folder; null where there is none yet.</summary>
    public static FineTuningTransformer? In(object? repository, string folder) =>
        Find(repository, one => one.Folder == Normal(folder)).Model;

    /// <summary>
    /// Frees the models that were read of a zip which fails to load as a whole: ML.NET keeps them from everybody, and frees nothing.
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

    // Archives of Windows have the other separator.
    private static string Normal(string? folder) => (folder ?? "").Replace('\\', '/');
}
