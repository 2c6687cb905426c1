using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>
/// Deletes old models and run folders, at the start, after each training and every hour: what is neither among the newest
/// (<see cref="PhotoDeskOptions.KeepNewest"/>) nor young (<see cref="PhotoDeskOptions.KeepFor"/>). What serves, what a roll-back goes to
/// and what a training needs stays in any case.
/// </summary>
internal sealed class Cleaner(
    ModelStore models, TrainingStore trainings, ServedModel served, TimeProvider time, IOptions<PhotoDeskOptions> options,
    ILogger<Cleaner> log)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim _woken = new(0);

    /// <summary>Cleans soon.</summary>
    public void Wake() => _woken.Release();

    /// <returns>Number of deleted files and folders.</returns>
    public async Task<int> CleanAsync(CancellationToken cancellation)
    {
        var (newest, before) = (options.Value.KeepNewest, time.GetUtcNow() - options.Value.KeepFor);
        // A model that is just being switched to is not yet the served one.
        var deleted = await served.WithoutSwitchAsync(() =>
        {
            var old = models.MarkOld(newest, before);
            return old.Count(id => Delete(models.PathOf(id)));
        }, cancellation);
        foreach (var id in trainings.Old(newest, before))
        {
            foreach (var kind in (string[])[TrainingFolders.Runs, TrainingFolders.Checkpoints])
                deleted += Delete(TrainingFolders.PathOf(options.Value, kind, id)) ? 1 : 0;
        }
        if (deleted > 0)
            log.LogInformation("{Count} old models and folders of trainings were deleted.", deleted);
        return deleted;
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await TryCleanAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await _woken.WaitAsync(Interval, stoppingToken);
            await TryCleanAsync(stoppingToken);
        }
    }

    private async Task TryCleanAsync(CancellationToken cancellation)
    {
        try
        {
            await CleanAsync(cancellation);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            log.LogWarning(e, "Old models were not looked for; trying again later.");
        }
    }

    private bool Delete(string path)
    {
        try
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            else if (File.Exists(path))
                File.Delete(path);
            else
                return false;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogWarning(e, "{Path} could not be deleted; trying again later.", path);
            return false;
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _woken.Dispose();
    }
}
