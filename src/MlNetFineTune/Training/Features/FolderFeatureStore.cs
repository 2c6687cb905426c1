using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// Features in the files of one folder, all of one network. New features are written to a separate file. Processes that train one model
/// together write them once: see <see cref="Share"/>.
/// </summary>
/// <param name="folder">The folder, which exists.</param>
/// <param name="form">Form of its files.</param>
/// <param name="warn">Receives warnings of damaged files.</param>
/// <exception cref="IOException">The folder cannot be read.</exception>
internal sealed class FolderFeatureStore(string folder, FeatureFileForm form, Action<string> warn) : IFeatureStore
{
    private readonly KeyedFolder _files = new(folder, form.File, warn);
    private readonly HashSet<ContentHash> _awaited = []; // written by another process
    private KeyedFileWriter? _writer;

    public bool IsWrittenByOther { get; private set; }

    /// <summary>
    /// Decides which of several processes write: of those that share the folder the first, and the others read its file. So the cache works
    /// with one folder for all, with one for each machine, and with one for each process.
    /// </summary>
    /// <param name="processes">The processes, all of which call this and then put the same features.</param>
    public void Share(ProcessGroup processes) =>
        IsWrittenByOther = !SharedFolder.IsFirstIn(processes, folder, form.File.TemporaryExtension);

    public string? Refuse(long bytes) => _files.FreeBytes is { } free && bytes > free
        ? FormattableString.Invariant($"the disk of '{folder}' has {free / 1048576.0:0.0} MiB left")
        : null;

    public bool Contains(ContentHash key) => _writer?.Contains(key) == true || _awaited.Contains(key) || TryGet(key, out _);

    public void Put(ContentHash key, ReadOnlySpan<byte> features)
    {
        if (Contains(key))
            return;
        if (IsWrittenByOther)
        {
            _awaited.Add(key);
            return;
        }
        try
        {
            (_writer ??= _files.CreateWriter()).Put(key, features, KeyedFileForm.Checksum(features));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw GiveUp(e);
        }
    }

    public void Complete()
    {
        if (IsWrittenByOther)
        {
            TakeAwaited();
            return;
        }
        if (_writer is null)
            return;
        try
        {
            _files.Complete(_writer);
            _writer.Dispose();
            _writer = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw GiveUp(e);
        }
    }

    public void Abandon() => _awaited.Clear();

    public ReadOnlySpan<byte> Get(ContentHash key)
    {
        if (TryGet(key, out var features))
            return features;
        try
        {
            return (_writer ?? throw new KeyNotFoundException("The features were not kept.")).Get(key);
        }
        catch (IOException e)
        {
            throw GiveUp(e);
        }
    }

    public void Dispose()
    {
        _writer?.Dispose();
        _files.Dispose();
    }

    // A file that anyone could have written may have values of any length.
    private bool TryGet(ContentHash key, out ReadOnlySpan<byte> features) =>
        _files.TryGet(key, out features) && features.Length == form.RowBytes;

    private void TakeAwaited()
    {
        if (_awaited.Count == 0)
            return;
        _files.OpenNew();
        if (_awaited.Count(key => !_files.HasKey(key)) is var missing and > 0)
        {
            throw new FeatureStoreException(
                $"{missing} of {_awaited.Count} rows that another process has written into '{folder}' are not seen there. Give each "
                + "machine a folder of its own, or take FeatureCache.InMemory().");
        }
        _awaited.Clear();
    }

    private FeatureStoreException GiveUp(Exception e)
    {
        _writer?.Dispose();
        _writer = null;
        return new FeatureStoreException(
            $"their output could not be written into '{folder}': {e.Message} Make room on the disk, or take FeatureCache.InMemory().", e);
    }
}
