using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// Features in the files of one folder, all of one network. New features are written to a separate file; complete files never change, so
/// that processes can share the folder without locks. Two processes that compute the same rows at the same time both write them, which only
/// costs space. Processes that train one model together write them once: see <see cref="Share"/>.
/// </summary>
internal sealed class FolderFeatureStore : IFeatureStore
{
    private static readonly TimeSpan s_abandoned = TimeSpan.FromDays(1);

    private readonly string _folder;
    private readonly FeatureFileForm _form;
    private readonly Action<string> _warn;
    private readonly List<FeatureFile> _files = [];
    private readonly Dictionary<ContentHash, (FeatureFile File, int Row)> _index = [];
    private readonly HashSet<ContentHash> _checked = [];
    private readonly HashSet<string> _opened = new(StringComparer.Ordinal);
    private readonly HashSet<ContentHash> _awaited = []; // written by another process
    private FeatureFileWriter? _writer;

    /// <exception cref="IOException">The folder cannot be read.</exception>
    public FolderFeatureStore(string folder, FeatureFileForm form, Action<string> warn)
    {
        (_folder, _form, _warn) = (folder, form, warn);
        foreach (var left in new DirectoryInfo(folder).EnumerateFiles("*" + FeatureFileForm.Extension + FeatureFileWriter.BesideExtension)
            .Where(file => DateTime.UtcNow - file.LastWriteTimeUtc > s_abandoned))
            FeatureFileWriter.TryDelete(left.FullName);
        OpenNew();
    }

    public bool IsWrittenByOther { get; private set; }

    /// <summary>
    /// Decides which of several processes write: of those that share the folder the first, and the others read its file. So the cache works
    /// with one folder for all, with one for each machine, and with one for each process.
    /// </summary>
    /// <param name="processes">The processes, all of which call this and then put the same features.</param>
    public void Share(ProcessGroup processes) => IsWrittenByOther = !SharedFolder.IsFirstIn(
        processes, _folder, FeatureFileForm.Extension + FeatureFileWriter.BesideExtension);

    public string? Refuse(long bytes)
    {
        var free = new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(_folder)! : _folder).AvailableFreeSpace;
        return bytes <= free ? null : FormattableString.Invariant($"the disk of '{_folder}' has {free / 1048576.0:0.0} MiB left");
    }

    public bool Contains(ContentHash key)
    {
        if (_writer?.Contains(key) == true || _awaited.Contains(key))
            return true;
        if (!_index.TryGetValue(key, out var place))
            return false;
        if (!_checked.Add(key) || place.File.IsWhole(place.Row))
            return true;
        _index.Remove(key);
        _checked.Remove(key);
        _warn($"Features in '{place.File.Path}' are damaged (row {place.Row}: its checksum is wrong) and are computed again.");
        return false;
    }

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
            (_writer ??= new FeatureFileWriter(_folder, _form)).Put(key, features);
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
            var path = _writer.Complete();
            _opened.Add(Path.GetFileName(path));
            var file = new FeatureFile(path, _form);
            _writer.Dispose();
            _writer = null;
            Add(file, areWhole: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw GiveUp(e);
        }
    }

    public void Abandon() => _awaited.Clear();

    public ReadOnlySpan<byte> Get(ContentHash key)
    {
        if (_index.TryGetValue(key, out var place))
            return place.File.FeaturesOf(place.Row);
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
        foreach (var file in _files)
            file.Dispose();
    }

    private void TakeAwaited()
    {
        if (_awaited.Count == 0)
            return;
        OpenNew();
        if (_awaited.Count(key => !_index.ContainsKey(key)) is var missing and > 0)
        {
            throw new FeatureStoreException(
                $"{missing} of {_awaited.Count} rows that another process has written into '{_folder}' are not seen there. Give each "
                + "machine a folder of its own, or take FeatureCache.InMemory().");
        }
        _awaited.Clear();
    }

    // The newest last: it has recomputed features.
    private void OpenNew()
    {
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles("*" + FeatureFileForm.Extension)
            .Where(file => !_opened.Contains(file.Name))
            .OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal))
            TryOpen(file);
    }

    private void TryOpen(FileInfo found)
    {
        var path = found.FullName;
        _opened.Add(found.Name);
        try
        {
            Add(new FeatureFile(path, _form), areWhole: false);
        }
        catch (InvalidDataException e)
        {
            _warn($"The feature cache cannot use '{path}', and computes again what it lacks: {e.Message}. Delete the file.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _warn($"The feature cache cannot read '{path}', and computes again what it lacks: {e.Message}");
        }
    }

    private void Add(FeatureFile file, bool areWhole)
    {
        _files.Add(file);
        foreach (var (key, row) in file.Keys)
        {
            _index[key] = (file, row);
            if (areWhole)
                _checked.Add(key);
        }
    }

    private FeatureStoreException GiveUp(Exception e)
    {
        _writer?.Dispose();
        _writer = null;
        return new FeatureStoreException(
            $"their output could not be written into '{_folder}': {e.Message} Make room on the disk, or take FeatureCache.InMemory().", e);
    }
}
