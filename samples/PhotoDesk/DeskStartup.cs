using Microsoft.Extensions.Options;

namespace PhotoDesk;

/// <summary>Runs first: locks the data folder, migrates the database, and adds the initial model and pictures.</summary>
internal sealed class DeskStartup(
    Database database, PhotoStore photos, ModelStore models, HeldOutJudge judge, IOptions<PhotoDeskOptions> options)
    : IHostedService, IDisposable
{
    private FileStream? _lock;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(options.Value.DataFolder).FullName;
        try
        {
            // The system releases the lock when the process ends, even if it is killed.
            _lock = new FileStream(Path.Combine(folder, "photodesk.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new InvalidOperationException($"Another PhotoDesk works in '{folder}'. Stop it, or choose another folder with --data.");
        }
        database.Prepare();
        if (!photos.HasEmbedded())
            photos.AddEmbedded(EmbeddedPictures.Draw(options.Value.EmbeddedPerClass));
        if (models.List().Count == 0)
            AddFirstModel();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        database.Close();
        _lock?.Dispose();
    }

    private void AddFirstModel()
    {
        var id = models.NextId();
        Directory.CreateDirectory(Path.GetDirectoryName(models.PathOf(id))!);
        // Replaces the rest of an interrupted start; the file is on disk before the database refers to it.
        using (var embedded = File.OpenRead(FirstModel.EmbeddedPath))
        using (var copy = new FileStream(models.PathOf(id), FileMode.Create))
        {
            embedded.CopyTo(copy);
            copy.Flush(flushToDisk: true);
        }
        var quality = judge.QualityOf(id);
        using var connection = database.Open();
        using var transaction = connection.BeginTransaction();
        models.Add(connection, id, trainingId: null, quality, corrections: 0);
        models.Activate(connection, id);
        transaction.Commit();
    }
}
