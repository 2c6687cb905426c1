namespace PhotoDesk;

/// <summary>Folders of trainings in the data folder.</summary>
internal static class TrainingFolders
{
    /// <summary>Records: history, events, report.</summary>
    public const string Runs = "runs";

    public const string Checkpoints = "checkpoints";

    public static string PathOf(PhotoDeskOptions options, string kind, long id) =>
        Path.Combine(options.DataFolder, kind, $"training-{id}");
}
