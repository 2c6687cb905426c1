using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// The pictures of a training by index. For pictures in files only the paths are stored. Others are valid only while the cursor is at their
/// row: their bytes (file content or pixels) are written once to a temporary file, and only their positions stay in memory. The file is
/// unlinked as soon as it is open (on Windows it is deleted when closed), so that even a killed process leaves none.
/// </summary>
internal sealed class StoredRows(string temporaryFolder, SafeFileHandle? file = null) : ImageRows
{
    private readonly List<(PictureHead Head, long Offset, int Length)> _index = [];
    private SafeFileHandle? _file = file;
    private long _end;

    public override int Count => _index.Count;

    /// <summary>Bytes in the temporary file.</summary>
    public long SpooledBytes => _end;

    public string TemporaryFolder { get; } = temporaryFolder;

    public override string? PathOf(int row) => _index[row].Head.Path;

    public override bool IsMissing(int row) => _index[row].Head.IsMissing;

    /// <summary>Appends a row, also one without a picture.</summary>
    public void Add(in Picture picture)
    {
        if (!picture.Bytes.IsEmpty)
            Append(picture.Bytes);
        _index.Add((picture.Head, _end - picture.Bytes.Length, picture.Bytes.Length));
    }

    /// <summary>Files by name and length, independent of the folder; spooled pictures by length and 4 KB from their middle.</summary>
    public override void Identify(int row, IncrementalHash hash)
    {
        var (head, offset, length) = _index[row];
        Span<byte> size = stackalloc byte[8];
        if (head.Path is { } path)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(path)));
            BinaryPrimitives.WriteInt64LittleEndian(size, File.Exists(path) ? new FileInfo(path).Length : -1);
            hash.AppendData(size);
            return;
        }
        BinaryPrimitives.WriteInt64LittleEndian(size, length);
        hash.AppendData(size);
        if (length == 0)
            return;
        Span<byte> sample = stackalloc byte[Math.Min(length, 4096)];
        hash.AppendData(sample[..RandomAccess.Read(_file!, sample, offset + (length - sample.Length) / 2)]);
    }

    /// <summary>Thread-safe after the last <see cref="Add"/>.</summary>
    public override ContentHash? ContentOf(int row)
    {
        var (head, offset, length) = _index[row];
        using var share = ByteBudget.Sources.Take(length);
        using var bytes = new ScratchBuffer<byte>(length);
        Read(offset, bytes.Span);
        return new Picture(head, bytes.Span).Content;
    }

    /// <summary>Thread-safe after the last <see cref="Add"/>.</summary>
    public override PictureHeader? HeaderOf(int row)
    {
        var (head, offset, length) = _index[row];
        using var share = ByteBudget.Sources.Take(length);
        using var bytes = new ScratchBuffer<byte>(length);
        Read(offset, bytes.Span);
        return PictureHeader.Of(new Picture(head, bytes.Span));
    }

    /// <summary>Thread-safe after the last <see cref="Add"/>.</summary>
    public override string? Encode(
        int row, ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default)
    {
        var (head, offset, length) = _index[row];
        using var share = ByteBudget.Sources.Take(length, cancellation);
        using var bytes = new ScratchBuffer<byte>(length);
        Read(offset, bytes.Span);
        return new Picture(head, bytes.Span).Encode(encoder, augmentation, random, output, cancellation);
    }

    /// <summary>Thread-safe after the last <see cref="Add"/>.</summary>
    public override string? EncodeShrunk(
        int row, ShrunkPictures shrunk, Augmentation augmentation, CountedRandom random, Span<byte> output,
        CancellationToken cancellation = default)
    {
        var (head, offset, length) = _index[row];
        using var share = ByteBudget.Sources.Take(length, cancellation);
        using var bytes = new ScratchBuffer<byte>(length);
        Read(offset, bytes.Span);
        return shrunk.Encode(row, new Picture(head, bytes.Span), augmentation, random, output, cancellation);
    }

    private void Read(long offset, Span<byte> bytes)
    {
        for (var read = 0; read < bytes.Length;)
        {
            var count = RandomAccess.Read(_file!, bytes[read..], offset + read);
            read += count > 0 ? count : throw new EndOfStreamException(
                $"The temporary file in '{TemporaryFolder}' was cut off by someone else.");
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _file ??= OpenTemporary();
            RandomAccess.Write(_file, bytes, _end);
            _end += bytes.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The pictures could not be written to a temporary file in '{TemporaryFolder}' after {_end >> 20} MiB: "
                + $"{e.Message} Give a column of paths, put ResizeImages before, or set MLContext.TempFilePath to a larger disk.", e);
        }
    }

    private SafeFileHandle OpenTemporary()
    {
        Directory.CreateDirectory(TemporaryFolder);
        var path = Path.Combine(TemporaryFolder, $"mlnetfinetune-{Guid.NewGuid():N}.pictures");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        if (!OperatingSystem.IsWindows())
            File.Delete(path);
        return file;
    }

    public override void Dispose() => _file?.Dispose();
}
