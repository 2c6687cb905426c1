using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// A complete file of features, mapped into memory. Header and index are verified when it is opened, each row's features on first use.
/// </summary>
internal sealed unsafe class FeatureFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly FeatureFileForm _form;
    private readonly byte* _begin;
    private readonly long _rows;

    /// <exception cref="InvalidDataException">The file is damaged or not a feature file; the message says which.</exception>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public FeatureFile(string path, FeatureFileForm form)
    {
        (Path, _form) = (path, form);
        if (OrdinaryFile.Refuse(path) is { } reason)
            throw new InvalidDataException(reason);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        var header = new byte[FeatureFileForm.HeaderSize];
        var read = file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        if (!FeatureFileForm.IsOurs(header))
            throw new InvalidDataException("it does not begin as a file of features does");
        if (read < header.Length || form.RowsOf(header, file.Length) is not { } rows)
            throw new InvalidDataException($"its {file.Length} bytes and its header do not fit each other");
        _rows = rows;
        _map = MemoryMappedFile.CreateFromFile(
            file, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _begin);
        if (FeatureFileForm.IsSignedFor(header, Index))
            return;
        Dispose();
        throw new InvalidDataException("the checksum of its index is wrong");
    }

    public string Path { get; }

    public IEnumerable<(ContentHash Key, int Row)> Keys => Enumerable.Range(0, (int)_rows)
        .Select(row => (ContentHash.Read(Entry(row)), row));

    private ReadOnlySpan<byte> Index =>
        new(_begin + FeatureFileForm.HeaderSize + _rows * _form.RowBytes, (int)_rows * FeatureFileForm.EntrySize);

    public ReadOnlySpan<byte> FeaturesOf(int row) => new(_begin + FeatureFileForm.HeaderSize + row * _form.RowBytes, (int)_form.RowBytes);

    public bool IsWhole(int row) =>
        FeatureFileForm.Checksum(FeaturesOf(row)) == BinaryPrimitives.ReadUInt64LittleEndian(Entry(row)[ContentHash.Size..]);

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    private ReadOnlySpan<byte> Entry(int row) => Index.Slice(row * FeatureFileForm.EntrySize, FeatureFileForm.EntrySize);
}
