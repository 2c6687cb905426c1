using System.Collections.Concurrent;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Data;

/// <summary>
/// Augments the pictures of a training from shrunk ones, which are made once. The result does not depend on which of them are in the store.
/// Thread-safe.
/// </summary>
/// <param name="encoder">Encodes pictures.</param>
/// <param name="longestSide">Longest side of a shrunk picture in pixels.</param>
/// <param name="open">Opens the store, by <see cref="Open"/> or when the first augmented picture is needed.</param>
internal sealed class ShrunkPictures(ImageEncoder encoder, int longestSide, Func<ShrunkPictureStore> open) : IDisposable
{
    private readonly Lazy<ShrunkPictureStore> _store = new(open);
    private readonly ConcurrentDictionary<int, ContentHash> _contents = [];

    public ImageEncoder Encoder => encoder;

    /// <summary>Differs for pictures of another size.</summary>
    public string Description { get; } = FormattableString.Invariant($", shrunk to {longestSide}");

    /// <summary>Opens the store.</summary>
    /// <exception cref="IOException">Its folder cannot be used.</exception>
    public void Open() => _ = _store.Value;

    /// <summary>Encodes a row whose picture is in the store, without reading its file.</summary>
    /// <returns>False if it is not known to be.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public bool TryEncode(int row, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation)
    {
        if (!_contents.TryGetValue(row, out var content) || !_store.Value.TryGet(content, out var shrunk))
            return false;
        encoder.EncodeShrunk(shrunk, augmentation, random, output, cancellation);
        return true;
    }

    /// <summary>Encodes a row from its picture, which is shrunk and stored if it is new.</summary>
    /// <returns>Null, or the reason why the picture cannot be used.</returns>
    /// <exception cref="OperationCanceledException">Cancelled while waiting for memory.</exception>
    public string? Encode(
        int row, in Picture picture, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation)
    {
        if (picture.Head.Problem is { } problem)
            return problem;
        if (picture.Head.Path is not { } path)
            return EncodeLoaded(row, picture, augmentation, random, output, cancellation);
        if (PictureFile.Read(path, out var file, cancellation) is { } refusal)
            return refusal;
        using (file)
            return EncodeLoaded(row, new Picture(default, file.Span), augmentation, random, output, cancellation);
    }

    /// <summary>Between passes over rows: makes new pictures available to later passes and to other processes, and takes theirs.</summary>
    public void Synchronize()
    {
        if (_store.IsValueCreated)
            _store.Value.Synchronize();
    }

    public void Dispose()
    {
        if (_store.IsValueCreated)
            _store.Value.Dispose();
    }

    private string? EncodeLoaded(
        int row, in Picture picture, Augmentation augmentation, CountedRandom random, Span<byte> output, CancellationToken cancellation)
    {
        var content = picture.Content!.Value;
        if (_store.Value.TryGet(content, out var shrunk))
        {
            _contents[row] = content;
            encoder.EncodeShrunk(shrunk, augmentation, random, output, cancellation);
            return null;
        }
        // Of a damaged file, an augmentation may need a part that can be read: as without a cache.
        if (!ShrunkPicture.TryShrink(picture, longestSide, cancellation, out var added))
            return picture.Encode(encoder, augmentation, random, output, cancellation);
        using (added)
        {
            _store.Value.Put(content, added.Bytes);
            _contents[row] = content;
            encoder.EncodeShrunk(added, augmentation, random, output);
            return null;
        }
    }
}
