using System.Collections.Concurrent;

namespace MlNetFineTune.Primitives;

/// <summary>
/// The complete files of one form in a folder, and their values by key. Complete files never change, so that processes can share the folder
/// without locks: each writes files of its own, and two that compute the same value both write it, which only costs space. Reading is
/// thread-safe, opening files is not.
/// </summary>
internal sealed class KeyedFolder : IDisposable
{
    private static readonly TimeSpan s_abandoned = TimeSpan.FromDays(1);

    private readonly string _path;
    private readonly KeyedFileForm _form;
    private readonly Action<string> _warn;
    private readonly List<KeyedFile> _files = [];
    private readonly HashSet<string> _done = new(StringComparer.Ordinal); // names of files that are open or given up
    private readonly Dictionary<string, long> _failed = new(StringComparer.Ordinal); // with their lengths, to be tried again
    private readonly ConcurrentDictionary<ContentHash, (KeyedFile File, int Place)> _index = [];

    /// <param name="path">The folder, which exists.</param>
    /// <param name="form">Form of the files.</param>
    /// <param name="warn">Receives warnings of damaged files, on any thread that reads.</param>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public KeyedFolder(string path, KeyedFileForm form, Action<string> warn)
    {
        (_path, _form, _warn) = (path, form, warn);
        foreach (var left in new DirectoryInfo(path).EnumerateFiles("*" + form.TemporaryExtension)
            .Where(file => DateTime.UtcNow - file.LastWriteTimeUtc > s_abandoned))
            KeyedFileWriter.TryDelete(left.FullName);
        OpenNew();
        if (_failed.Count > 0)
            OpenNew();
    }

    /// <summary>Bytes left on the disk; null if unknown.</summary>
    public long? FreeBytes => DiskSpace.FreeBytes(_path);

    /// <summary>Whether a complete file has the key, whether or not its value is damaged.</summary>
    public bool HasKey(ContentHash key) => _index.ContainsKey(key);

    /// <summary>Finds a value, which is valid until this is disposed. A damaged one is forgotten, with a warning.</summary>
    public bool TryGet(ContentHash key, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!_index.TryGetValue(key, out var found))
            return false;
        if (!found.File.IsWhole(found.Place))
        {
            if (_index.TryRemove(KeyValuePair.Create(key, found)))
                _warn($"The cache has damaged {_form.Noun} in '{found.File.Path}' (number {found.Place}: its checksum is wrong), "
                    + "which are computed again.");
            return false;
        }
        value = found.File[found.Place];
        return true;
    }

    /// <summary>
    /// Opens files that were completed since the last call. The newest last: it has what was computed again. A file that cannot be opened
    /// is tried again in the next call, since a network file system may show a new file's length or content late; if it then has the same
    /// length, it is given up with a warning.
    /// </summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public void OpenNew()
    {
        foreach (var file in new DirectoryInfo(_path).EnumerateFiles("*" + _form.Extension).Where(file => !_done.Contains(file.Name))
            .OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal))
            TryOpen(file);
    }

    /// <exception cref="IOException">The file cannot be created.</exception>
    public KeyedFileWriter CreateWriter() => new(_path, _form);

    /// <summary>Completes a file and opens it.</summary>
    /// <exception cref="IOException">The file cannot be completed.</exception>
    /// <exception cref="InvalidDataException">The completed file cannot be read.</exception>
    public void Complete(KeyedFileWriter writer)
    {
        var path = writer.Complete();
        Add(new KeyedFile(path, _form, isOwn: true));
        _done.Add(Path.GetFileName(path));
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private void TryOpen(FileInfo found)
    {
        var path = found.FullName;
        try
        {
            Add(new KeyedFile(path, _form));
            _done.Add(found.Name);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException && MayPass(found))
        {
            // Tried again in the next call.
        }
        catch (InvalidDataException e)
        {
            _warn($"The cache of {_form.Noun} cannot use '{path}', and computes again what it lacks: {e.Message}. Delete the file.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _warn($"The cache of {_form.Noun} cannot read '{path}', and computes again what it lacks: {e.Message}");
        }
    }

    // Whether the file has not failed at this length before.
    private bool MayPass(FileInfo found)
    {
        var length = found.Exists ? found.Length : 0; // as seen by the enumeration
        var failed = _failed.TryGetValue(found.Name, out var before) && before == length;
        _failed[found.Name] = length;
        if (failed)
            _done.Add(found.Name);
        return !failed;
    }

    private void Add(KeyedFile file)
    {
        _files.Add(file);
        foreach (var (place, key) in file.Keys.Index())
            _index[key] = (file, place);
    }
}
