using System.IO.MemoryMappedFiles;

namespace MlNetFineTune.Primitives;

/// <summary>
/// A complete file of values, mapped into memory. Header and index are verified when it is opened, each value once, by
/// <see cref="IsWhole"/>. Thread-safe.
/// </summary>
internal sealed unsafe class KeyedFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _begin;
    private readonly long _end;
    private readonly bool[] _isVerified;

    /// <param name="path">Path of the file.</param>
    /// <param name="form">Its form.</param>
    /// <param name="isOwn">Whether this process has just written it, so that values need not be verified.</param>
    /// <exception cref="InvalidDataException">The file is damaged or of another form; the message says which.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public KeyedFile(string path, KeyedFileForm form, bool isOwn = false)
    {
        Path = path;
        if (OrdinaryFile.Refuse(path) is { } reason)
            throw new InvalidDataException(reason);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        var header = new byte[KeyedFileForm.HeaderSize];
        var read = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (!form.IsOurs(header))
            throw new InvalidDataException($"it does not begin as a file of {form.Noun} does");
        if (read < header.Length || form.SizesOf(header, file.Length) is not var (bytes, count))
            throw new InvalidDataException($"its {file.Length} bytes and its header do not fit each other");
        (_end, Count) = (KeyedFileForm.HeaderSize + bytes, count);
        _isVerified = new bool[count];
        _isVerified.AsSpan().Fill(isOwn);
        _map = MemoryMappedFile.CreateFromFile(
            file, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _begin);
        var problem = !KeyedFileForm.IsSignedFor(header, Index) ? "the checksum of its index is wrong"
            : !PlacesAreWithin() ? "its index points outside of it"
            : null;
        if (problem is null)
            return;
        Dispose();
        throw new InvalidDataException(problem);
    }

    public string Path { get; }

    /// <summary>Number of values.</summary>
    public int Count { get; }

    public IEnumerable<ContentHash> Keys => Enumerable.Range(0, Count).Select(place => KeyedFileForm.ReadEntry(EntryOf(place)).Key);

    private ReadOnlySpan<byte> Index => new(_begin + _end, Count * KeyedFileForm.EntrySize);

    /// <summary>A value, valid until the file is disposed.</summary>
    public ReadOnlySpan<byte> this[int place]
    {
        get
        {
            var (_, offset, length, _) = KeyedFileForm.ReadEntry(EntryOf(place));
            return new(_begin + offset, (int)length);
        }
    }

    /// <summary>Whether a value has its checksum.</summary>
    public bool IsWhole(int place) => _isVerified[place]
        || (_isVerified[place] = KeyedFileForm.Checksum(this[place]) == KeyedFileForm.ReadEntry(EntryOf(place)).Checksum);

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    // Anyone can sign a file: the checksum of the index tells of accidents only.
    private bool PlacesAreWithin()
    {
        for (var place = 0; place < Count; place++)
        {
            var (_, offset, length, _) = KeyedFileForm.ReadEntry(EntryOf(place));
            if (offset < KeyedFileForm.HeaderSize || length < 0 || length > Array.MaxLength || offset > _end - length)
                return false;
        }
        return true;
    }

    private ReadOnlySpan<byte> EntryOf(int place) => Index.Slice(place * KeyedFileForm.EntrySize, KeyedFileForm.EntrySize);
}
