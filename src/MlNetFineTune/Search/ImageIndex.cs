using System.Diagnostics.CodeAnalysis;
using System.Text;
using MlNetFineTune.Primitives;
using MlNetFineTune.Search;

namespace MlNetFineTune;

/// <summary>
/// Similarity search for pictures: an index of feature vectors by cosine similarity. The search is exact: it compares with every row, on
/// all cores, and its result does not depend on their number. It needs 4 bytes of memory for each number of each row (1,000,000 rows of 512
/// numbers: 2 GB). Created by <c>ml.FineTuning.BuildImageIndex</c>, or empty by the constructor. Thread-safe: searches run concurrently,
/// and a change waits for them.
/// </summary>
public sealed class ImageIndex
{
    internal const int LargestDimension = 1 << 16;

    // Never disposed: it has no handle unless threads wait, and an index that is replaced by another may still be in use.
    private readonly ReaderWriterLockSlim _lock = new();
    private readonly List<string> _keys;
    private readonly UnitVectors _vectors;
    private readonly Dictionary<string, int> _rows;

    /// <summary>Creates an empty index.</summary>
    /// <param name="dimension">Size of each vector. 1 to 65,536.</param>
    /// <exception cref="ArgumentOutOfRangeException">The dimension is out of range.</exception>
    public ImageIndex(int dimension)
        : this(Checked.Range(dimension, 1, LargestDimension), [], new UnitVectors(Math.Max(1, dimension)), new(StringComparer.Ordinal))
    {
    }

    private ImageIndex(int dimension, List<string> keys, UnitVectors vectors, Dictionary<string, int> rows) =>
        (Dimension, _keys, _vectors, _rows) = (dimension, keys, vectors, rows);

    /// <summary>A result of a search.</summary>
    /// <param name="Key">The key of the row.</param>
    /// <param name="Similarity">Cosine similarity: -1 to 1, and 1 for vectors of the same direction.</param>
    public readonly record struct Match(string Key, float Similarity)
    {
        /// <summary>Key and similarity, with the same numbers in every culture.</summary>
        public override string ToString() => FormattableString.Invariant($"{Key} {Similarity:0.000}");
    }

    /// <summary>Size of each vector.</summary>
    public int Dimension { get; }

    /// <summary>Number of rows.</summary>
    public int Count
    {
        get
        {
            using var reading = new Reading(_lock);
            return _keys.Count;
        }
    }

    /// <summary>Whether the index contains a key. Keys are compared ordinally.</summary>
    /// <param name="key">The key.</param>
    public bool Contains(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        using var reading = new Reading(_lock);
        return _rows.ContainsKey(key);
    }

    /// <summary>The keys of all rows at this moment, in no particular order.</summary>
    public IReadOnlyList<string> Keys
    {
        get
        {
            using var reading = new Reading(_lock);
            return [.. _keys];
        }
    }

    /// <summary>Reads the vector of a row, to search for others like it.</summary>
    /// <param name="key">The key of the row.</param>
    /// <param name="features">A copy, of size <see cref="Dimension"/> and length 1; null if there is no such row.</param>
    /// <returns>False if there is no row of this key.</returns>
    public bool TryGet(string key, [NotNullWhen(true)] out float[]? features)
    {
        ArgumentNullException.ThrowIfNull(key);
        using var reading = new Reading(_lock);
        features = _rows.TryGetValue(key, out var row) ? _vectors[row].ToArray() : null;
        return features is not null;
    }

    /// <summary>Adds a row, or replaces the row of the same key.</summary>
    /// <param name="key">Its key, such as the path of the picture.</param>
    /// <param name="features">Its vector of size <see cref="Dimension"/>, not zero; only the direction is stored.</param>
    /// <exception cref="ArgumentException">
    /// The vector has another size, is zero, or has a number that is not finite; or the key is not valid Unicode.
    /// </exception>
    public void Set(string key, ReadOnlySpan<float> features)
    {
        CheckKey(key);
        var unit = Normalize(features, SafeText.Quoted(key));
        _lock.EnterWriteLock();
        try
        {
            if (_rows.TryGetValue(key, out var row))
                unit.CopyTo(_vectors[row]);
            else
                Append(key, unit);
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Adds a row.</summary>
    /// <param name="key">Its key, such as the path of the picture.</param>
    /// <param name="features">Its vector of size <see cref="Dimension"/>, not zero; only the direction is stored.</param>
    /// <exception cref="ArgumentException">
    /// There is a row of this key; the vector has another size, is zero, or has a number that is not finite; or the key is not valid
    /// Unicode.
    /// </exception>
    public void Add(string key, ReadOnlySpan<float> features)
    {
        CheckKey(key);
        var unit = Normalize(features, SafeText.Quoted(key));
        _lock.EnterWriteLock();
        try
        {
            if (_rows.ContainsKey(key))
                throw new ArgumentException($"The index has a row of key {SafeText.Quoted(key)} already. Set replaces it.", nameof(key));
            Append(key, unit);
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Removes a row.</summary>
    /// <param name="key">Key of the row.</param>
    /// <returns>False if the index does not contain the key.</returns>
    public bool Remove(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        _lock.EnterWriteLock();
        try
        {
            if (!_rows.Remove(key, out var row))
                return false;
            _vectors.RemoveBySwap(row);
            var last = _keys[^1];
            _keys.RemoveAt(_keys.Count - 1);
            if (row < _keys.Count)
                (_keys[row], _rows[last]) = (last, row);
            return true;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Finds the most similar rows, in descending order of similarity; equally similar rows are ordered by key.</summary>
    /// <param name="features">The vector to compare with, of size <see cref="Dimension"/>, not zero.</param>
    /// <param name="count">Maximum number of results. At least 1. Default 10.</param>
    /// <returns>At most <paramref name="count"/> rows; all rows if the index has fewer.</returns>
    /// <exception cref="ArgumentException">The vector has another size, is zero, or contains a number that is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1.</exception>
    public IReadOnlyList<Match> Search(ReadOnlySpan<float> features, int count = 10)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var unit = Normalize(features, "what is searched for");
        using var reading = new Reading(_lock);
        var nearest = new NearestRows(count, _keys);
        _vectors.ForEachBlock(() => new NearestRows(count, _keys), (begin, end, own) =>
        {
            for (var row = begin; row < end; row++)
                own.Add(row, _vectors.SimilarityOf(row, unit));
        }, nearest.Add);
        return nearest.Sorted();
    }

    /// <summary>Writes the index to a file, which is replaced atomically.</summary>
    /// <param name="path">Path of the file. An existing file is replaced.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var reading = new Reading(_lock);
        AtomicFile.Write(path, stream => ImageIndexFile.Write(stream, Dimension, _keys, _vectors));
    }

    /// <summary>Reads a file written by <see cref="Save"/>.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or not an image index; the message names the problem.</exception>
    public static ImageIndex Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (OrdinaryFile.Refuse(path) is { } reason)
            throw new InvalidDataException($"'{SafeText.Of(path, SafeText.SentenceLength)}' cannot be read: {reason}.");
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        try
        {
            var (dimension, keys, vectors) = ImageIndexFile.Read(file, file.Length);
            var rows = new Dictionary<string, int>(keys.Count, StringComparer.Ordinal);
            foreach (var (row, key) in keys.Index())
            {
                if (!rows.TryAdd(key, row))
                    throw new InvalidDataException($"the key {SafeText.Quoted(key)} is there twice");
            }
            return new(dimension, keys, vectors, rows);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException(
                $"'{SafeText.Of(path, SafeText.SentenceLength)}' is not a whole image index: "
                + $"{(e is EndOfStreamException ? "it ends too early" : e.Message)}. Build it again, or copy it again.", e);
        }
    }

    private void Append(string key, float[] unit)
    {
        unit.CopyTo(_vectors.Append());
        _rows.Add(key, _keys.Count);
        _keys.Add(key);
    }

    // Half of a surrogate pair, which names of files on Windows may have, has no UTF-8: the index could not be saved.
    private static void CheckKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        for (var at = 0; at < key.Length; at++)
        {
            if (!Rune.TryGetRuneAt(key, at, out var rune))
                throw new ArgumentException($"The key {SafeText.Quoted(key)} is not valid Unicode.", nameof(key));
            at += rune.Utf16SequenceLength - 1;
        }
    }

    private float[] Normalize(ReadOnlySpan<float> features, string whose)
    {
        if (features.Length != Dimension)
        {
            throw new ArgumentException(
                $"The vector of {whose} has {features.Length} numbers, and the index is of vectors of {Dimension}.", nameof(features));
        }
        var unit = new float[Dimension];
        return UnitVectors.TryNormalize(features, unit)
            ? unit
            : throw new ArgumentException(
                $"The vector of {whose} has no direction: it is zero, or a number of it is not finite, as the features of a picture that "
                + "cannot be read.", nameof(features));
    }

    private readonly ref struct Reading
    {
        private readonly ReaderWriterLockSlim _lock;

        public Reading(ReaderWriterLockSlim which)
        {
            which.EnterReadLock();
            _lock = which;
        }

        public void Dispose() => _lock.ExitReadLock();
    }
}
