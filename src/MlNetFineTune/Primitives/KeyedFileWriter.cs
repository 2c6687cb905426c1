namespace MlNetFineTune.Primitives;

/// <summary>
/// Writes a new file of values to a temporary file, value by value, and renames it when it is complete: readers never find an incomplete
/// file, and a file never changes. For one thread at a time.
/// </summary>
internal sealed class KeyedFileWriter : IDisposable
{
    private readonly KeyedFileForm _form;
    private readonly string _path;
    private readonly FileStream _stream;
    private readonly List<(ContentHash Key, long Offset, int Length, ulong Checksum)> _entries = [];
    private readonly Dictionary<ContentHash, int> _places = [];

    /// <exception cref="IOException">The file cannot be created.</exception>
    public KeyedFileWriter(string folder, KeyedFileForm form)
    {
        _form = form;
        var name = Guid.NewGuid().ToString("N");
        _path = Path.Combine(folder, name + form.Extension);
        _stream = new FileStream(
            Path.Combine(folder, name + form.TemporaryExtension), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        _stream.Write(new byte[KeyedFileForm.HeaderSize]);
    }

    /// <summary>Number of values.</summary>
    public int Count => _entries.Count;

    /// <summary>Bytes of all values.</summary>
    public long Bytes { get; private set; }

    public bool Contains(ContentHash key) => _places.ContainsKey(key);

    /// <param name="key">The key, which the file does not contain yet.</param>
    /// <param name="value">The value.</param>
    /// <param name="checksum">Its <see cref="KeyedFileForm.Checksum"/>.</param>
    /// <exception cref="IOException">The value cannot be written.</exception>
    public void Put(ContentHash key, ReadOnlySpan<byte> value, ulong checksum)
    {
        _stream.Write(value);
        _places.Add(key, _entries.Count);
        _entries.Add((key, KeyedFileForm.HeaderSize + Bytes, value.Length, checksum));
        Bytes += value.Length;
    }

    /// <summary>A value that was put.</summary>
    /// <exception cref="IOException">It cannot be read again.</exception>
    public byte[] Get(ContentHash key)
    {
        var (_, offset, length, _) = _entries[_places[key]];
        var value = new byte[length];
        var end = _stream.Position;
        _stream.Position = offset;
        _stream.ReadExactly(value);
        _stream.Position = end;
        return value;
    }

    /// <returns>Path of the file.</returns>
    /// <exception cref="IOException">The file cannot be completed.</exception>
    public string Complete()
    {
        var index = new byte[checked(_entries.Count * KeyedFileForm.EntrySize)];
        foreach (var (place, (key, offset, length, checksum)) in _entries.Index())
            KeyedFileForm.WriteEntry(index.AsSpan(place * KeyedFileForm.EntrySize), key, offset, length, checksum);
        _stream.Write(index);
        _stream.Position = 0;
        _stream.Write(_form.Header(Bytes, index));
        AtomicFile.Complete(_stream, _path);
        return _path;
    }

    /// <summary>Deletes the file if it was not completed.</summary>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // The file is discarded anyway, for example because the disk is full.
        }
        TryDelete(_stream.Name);
    }

    /// <summary>Deletes a file that is not needed, if possible.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process uses the file, or has deleted its folder.
        }
    }
}
