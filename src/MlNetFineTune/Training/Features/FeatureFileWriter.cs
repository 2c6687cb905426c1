using System.Buffers.Binary;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>
/// Writes a new file of features to a temporary file, row by row, and renames it when it is complete: readers never find an incomplete
/// file, and a file never changes.
/// </summary>
internal sealed class FeatureFileWriter : IDisposable
{
    public const string BesideExtension = ".tmp";

    private readonly FeatureFileForm _form;
    private readonly string _path;
    private readonly FileStream _stream;
    private readonly List<(ContentHash Key, ulong Checksum)> _rows = [];
    private readonly Dictionary<ContentHash, int> _places = [];

    /// <exception cref="IOException">The file cannot be created.</exception>
    public FeatureFileWriter(string folder, FeatureFileForm form)
    {
        _form = form;
        _path = Path.Combine(folder, Guid.NewGuid().ToString("N") + FeatureFileForm.Extension);
        _stream = new FileStream(Beside, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
        _stream.Write(new byte[FeatureFileForm.HeaderSize]);
    }

    private string Beside => _path + BesideExtension;

    public bool Contains(ContentHash key) => _places.ContainsKey(key);

    public void Put(ContentHash key, ReadOnlySpan<byte> features)
    {
        _stream.Write(features);
        _places.Add(key, _rows.Count);
        _rows.Add((key, FeatureFileForm.Checksum(features)));
    }

    /// <summary>The features of a row that was put.</summary>
    /// <exception cref="IOException">They cannot be read again.</exception>
    public byte[] Get(ContentHash key)
    {
        var features = new byte[_form.RowBytes];
        var end = _stream.Position;
        _stream.Position = FeatureFileForm.HeaderSize + _places[key] * _form.RowBytes;
        _stream.ReadExactly(features);
        _stream.Position = end;
        return features;
    }

    /// <returns>Path of the file.</returns>
    public string Complete()
    {
        var index = new byte[checked(_rows.Count * FeatureFileForm.EntrySize)];
        for (var i = 0; i < _rows.Count; i++)
        {
            var entry = index.AsSpan(i * FeatureFileForm.EntrySize);
            _rows[i].Key.Write(entry);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[ContentHash.Size..], _rows[i].Checksum);
        }
        _stream.Write(index);
        _stream.Position = 0;
        _stream.Write(_form.Header(index));
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
        TryDelete(Beside);
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
