using System.Collections.Concurrent;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// Shrunk pictures by the content of their files, in the files of one folder. Pictures that are put are found after
/// <see cref="Synchronize"/>. Thread-safe. What cannot be written is a warning, once.
/// </summary>
internal sealed class ShrunkPictureStore : IDisposable
{
    // Checkpoints and other programs need the disk too.
    private const int PartLeftFree = 10;

    // Other processes write into the folder as well: the free space is asked for again after this many bytes.
    private const long BetweenQuestions = 64 << 20;

    private readonly string _folder;
    private readonly int _longestSide;
    private readonly IHost _host;
    private readonly KeyedFolder _files;
    private readonly Func<long?> _freeBytes;
    private readonly ConcurrentQueue<string> _warnings = []; // logged on the thread that synchronizes
    private readonly Lock _writing = new();
    private KeyedFileWriter? _writer;
    private long? _leftFree; // bytes
    private long? _free; // at the last question
    private long _room; // for the file that is written
    private long _nextQuestion; // length of the file
    private volatile bool _isClosed;
    private bool _isUnreachable; // the folder, which is then not listed

    /// <param name="folder">The folder, which exists.</param>
    /// <param name="owner">Hash of everything that shrunk pictures depend on apart from the files.</param>
    /// <param name="longestSide">Longest side in pixels, for the log.</param>
    /// <param name="host">Receives the log.</param>
    /// <param name="freeBytes">Bytes left on the disk, null if unknown; by default the operating system is asked.</param>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public ShrunkPictureStore(string folder, ContentHash owner, int longestSide, IHost host, Func<long?>? freeBytes = null)
    {
        (_folder, _longestSide, _host) = (folder, longestSide, host);
        _files = new KeyedFolder(folder, new KeyedFileForm("MNFTPICT", "pictures", ".pictures", owner), _warnings.Enqueue);
        _freeBytes = freeBytes ?? (() => _files.FreeBytes);
    }

    /// <summary>Finds a picture, which is valid until the store is disposed.</summary>
    public bool TryGet(ContentHash content, out ShrunkPicture picture)
    {
        picture = default;
        return _files.TryGet(content, out var bytes) && ShrunkPicture.TryRead(bytes, out picture);
    }

    public void Put(ContentHash content, ReadOnlySpan<byte> picture)
    {
        if (_isClosed)
            return;
        var checksum = KeyedFileForm.Checksum(picture); // outside of the lock
        lock (_writing)
        {
            if (_isClosed || _writer?.Contains(content) == true)
                return;
            try
            {
                _writer ??= CreateWriter();
                if (_writer.Bytes >= _nextQuestion)
                    AskForRoom(_writer.Bytes);
                if (_writer.Bytes + picture.Length > _room)
                    Close($"the disk of '{_folder}' has {_free >> 20} MiB left");
                else
                    _writer.Put(content, picture, checksum);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                GiveUp(e);
            }
        }
    }

    /// <summary>Completes the file of new pictures, and opens those of other processes.</summary>
    public void Synchronize()
    {
        lock (_writing)
        {
            try
            {
                Complete();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                GiveUp(e);
            }
            if (!_isUnreachable)
                OpenNew();
        }
        if (_warnings.IsEmpty)
            return;
        using var channel = _host.Start(nameof(PictureCache));
        while (_warnings.TryDequeue(out var warning))
            channel.Warning(warning);
    }

    public void Dispose()
    {
        _writer?.Dispose();
        _files.Dispose();
    }

    private KeyedFileWriter CreateWriter()
    {
        (_room, _nextQuestion) = (long.MaxValue, 0);
        return _files.CreateWriter();
    }

    // The room for a file never grows: what was free at its beginning is shared with others.
    private void AskForRoom(long written)
    {
        _nextQuestion = written + BetweenQuestions;
        if (_freeBytes() is not { } free)
            return;
        _free = free;
        var leftFree = _leftFree ??= free / PartLeftFree;
        _room = Math.Min(_room, written + free - leftFree);
        _nextQuestion = written + Math.Min(BetweenQuestions, leftFree);
    }

    private void Complete()
    {
        if (_writer is not { Count: > 0 } writer)
            return;
        _files.Complete(writer);
        writer.Dispose();
        _writer = null;
        using var channel = _host.Start(nameof(PictureCache));
        channel.Info(FormattableString.Invariant(
            $"{writer.Count} pictures of at most {_longestSide} pixels were added to '{_folder}': {writer.Bytes / 1048576.0:0.0} MiB."));
    }

    private void OpenNew()
    {
        try
        {
            _files.OpenNew();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _isUnreachable = true;
            _warnings.Enqueue($"PictureCache does not take the pictures that other processes add: '{_folder}' could not be listed: "
                + e.Message);
        }
    }

    private void GiveUp(Exception e)
    {
        _isUnreachable = true;
        _writer?.Dispose();
        _writer = null;
        Close($"they could not be written into '{_folder}': {e.Message} Make room on the disk");
    }

    private void Close(string reason)
    {
        if (!_isClosed)
            _warnings.Enqueue($"Pictures that PictureCache does not have yet are decoded in every epoch: {reason}.");
        _isClosed = true;
    }
}
