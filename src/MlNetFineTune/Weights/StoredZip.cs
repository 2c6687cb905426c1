using System.Buffers.Binary;
using System.Text;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// The directory of a zip whose entries of interest are stored, not compressed, so that each is a plain range of the file
/// (PKWARE's APPNOTE.TXT, 4.3 and 4.5.3). torch.save writes no others. Nothing is ever unpacked: names are only looked up. Ranges
/// are checked against the file and each other.
/// </summary>
internal static class StoredZip
{
    private const uint LocalSignature = 0x04034b50, CentralSignature = 0x02014b50, EndSignature = 0x06054b50, End64Signature = 0x06064b50,
        Locator64Signature = 0x07064b50;
    private const int LocalLength = 30, CentralLength = 46, EndLength = 22, End64Length = 56, Locator64Length = 20;
    private const int MaximumEntries = 1 << 20;
    private const int MaximumNameLength = 1024;

    // APPNOTE.TXT 4.4.4: encrypted, strongly encrypted, masked headers; known are the speed of deflate, sizes after the data, and names in
    // UTF-8. 4.4.5: the method. 4.4.15: MS-DOS's folder.
    private const int EncryptionFlags = 0x2041, KnownFlags = 0x080e, Deflated = 8, FolderAttribute = 0x10;

    /// <summary>An entry's bytes within the file, as they are there.</summary>
    /// <param name="Offset">First byte.</param>
    /// <param name="Length">Bytes in the file.</param>
    /// <param name="Size">Bytes unpacked; those in the file where nothing is packed.</param>
    /// <param name="IsCompressed">Whether it is deflated.</param>
    /// <param name="Crc">CRC-32 of the unpacked bytes, as the directory says; 0 where the writer computed none.</param>
    public readonly record struct Range(long Offset, long Length, long Size, bool IsCompressed, uint Crc);

    /// <param name="bytes">The file; stays the caller's.</param>
    /// <param name="source">Name for messages.</param>
    /// <exception cref="InvalidDataException">The directory is damaged, or an entry is doubled, oddly named,
    /// encrypted or out of place.</exception>
    public static IReadOnlyDictionary<string, Range> ReadDirectory(ByteSource bytes, string source)
    {
        var (count, start, length) = FindDirectory(bytes, source);
        if (count > MaximumEntries || start < 0 || length < 0 || start > bytes.Length - length || count > length / CentralLength)
            throw Bad(
                source, $"its directory of {count} entries and {length} bytes at byte {start} does not fit into its {bytes.Length} bytes");

        var entries = new Dictionary<string, Range>(StringComparer.Ordinal);
        var input = new BufferedBytes(bytes, start, start + length);
        try
        {
            for (var i = 0L; i < count; i++)
            {
                var (name, headerOffset, entry) = ReadCentral(input, source);
                var range = entry with { Offset = DataOffset(bytes, name, headerOffset, source) };
                if (range.Length < 0 || range.Length > start - range.Offset)
                    throw Bad(
                        source, $"entry {SafeText.Quoted(name)} of {range.Length} bytes at byte {range.Offset} runs into the directory at "
                        + $"byte {start}");
                if (!entries.TryAdd(name, range))
                    throw Bad(source, $"it has two entries {SafeText.Quoted(name)}");
            }
            if (input.Left != 0)
                throw Bad(source, $"its directory has {input.Left} bytes after the last of {count} entries");
        }
        catch (EndOfStreamException)
        {
            throw Bad(source, "its directory is cut off");
        }
        RefuseOverlap(entries, source);
        return entries;
    }

    private static (long Count, long Start, long Length) FindDirectory(ByteSource bytes, string source)
    {
        // The last record may be followed by a comment, which PyTorch never writes: it is looked for at the very end only.
        if (bytes.Length < EndLength)
            throw Bad(source, "it is cut off");
        Span<byte> end = stackalloc byte[EndLength];
        bytes.Read(bytes.Length - EndLength, end);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature)
            throw Bad(source, "its directory is not at its end: it is cut off, or something is appended. Fetch it again");
        var (count, length, start) = (
            BinaryPrimitives.ReadUInt16LittleEndian(end[10..]), BinaryPrimitives.ReadUInt32LittleEndian(end[12..]),
            BinaryPrimitives.ReadUInt32LittleEndian(end[16..]));
        var isWhole = count != ushort.MaxValue && length != uint.MaxValue && start != uint.MaxValue;
        if (FindDirectory64(bytes, source) is not { } wide)
            return isWhole ? (count, start, length) : throw Bad(source, "its 64-bit directory is missing");
        // PyTorch writes both always; which of the two a reader believes must not matter.
        return !isWhole || wide == (count, start, length) ? wide : throw Bad(source, "its 64-bit directory contradicts the other");
    }

    private static (long Count, long Start, long Length)? FindDirectory64(ByteSource bytes, string source)
    {
        Span<byte> locator = stackalloc byte[Locator64Length];
        Span<byte> end64 = stackalloc byte[End64Length];
        if (bytes.Length < EndLength + Locator64Length + End64Length)
            return null;
        bytes.Read(bytes.Length - EndLength - Locator64Length, locator);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != Locator64Signature)
            return null;
        var at = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
        if (at < 0 || at > bytes.Length - EndLength - Locator64Length - End64Length)
            throw Bad(source, "its 64-bit directory is missing");
        bytes.Read(at, end64);
        if (BinaryPrimitives.ReadUInt32LittleEndian(end64) != End64Signature)
            throw Bad(source, "its 64-bit directory is missing");
        return (BinaryPrimitives.ReadInt64LittleEndian(end64[32..]), BinaryPrimitives.ReadInt64LittleEndian(end64[48..]),
            BinaryPrimitives.ReadInt64LittleEndian(end64[40..]));
    }

    private static (string Name, long HeaderOffset, Range Entry) ReadCentral(BufferedBytes input, string source)
    {
        var header = input.ReadBytes(CentralLength);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != CentralSignature)
            throw Bad(source, "its directory is damaged");
        var (flags, method) = (ReadShort(8), ReadShort(10));
        long packed = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(20)),
        size = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(24)),
        offset = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(42));
        var (nameLength, extraLength, commentLength) = (ReadShort(28), ReadShort(30), ReadShort(32));
        if (nameLength > MaximumNameLength)
            throw Bad(source, $"an entry's name has {nameLength} bytes");
        var name = Encoding.UTF8.GetString(input.ReadBytes(nameLength));
        Widen(input.ReadBytes(extraLength), ref size, ref packed, ref offset);
        input.Skip(commentLength);

        var shown = SafeText.Quoted(name);
        if (name.Length == 0 || name[0] == '/' || name.Contains('\\') || name.Any(char.IsControl)
            || name.Split('/').Any(part => part is ".." or "."))
            throw Bad(source, $"it has an entry of the name {shown}, which points out of the archive");
        if ((flags & EncryptionFlags) != 0)
            throw Bad(source, $"entry {shown} is encrypted");
        if ((flags & ~KnownFlags) != 0 || method is not (0 or Deflated) || size < 0)
            throw Bad(source, $"entry {shown} is packed in an unknown way (method {method}, flags 0x{flags:x})");
        if ((header[38] & FolderAttribute) != 0 && size > 0)
            throw Bad(source, $"entry {shown} of {size} bytes is said to be a folder");
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(16));
        return method != 0 || packed == size
            ? (name, offset, new Range(0, packed, size, method != 0, crc))
            : throw Bad(source, $"entry {shown} has two sizes, {packed} and {size} bytes");

        int ReadShort(int at) => BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(at));
    }

    // Extra field 1 holds, in this order, those of the numbers that do not fit into 32 bits.
    private static void Widen(byte[] extra, ref long size, ref long packed, ref long offset)
    {
        for (var at = 0; at + 4 <= extra.Length;)
        {
            var (id, length) = (BinaryPrimitives.ReadUInt16LittleEndian(extra.AsSpan(at)),
                BinaryPrimitives.ReadUInt16LittleEndian(extra.AsSpan(at + 2)));
            var field = extra.AsSpan(at + 4, Math.Min(length, extra.Length - at - 4));
            at += 4 + length;
            if (id != 1)
                continue;
            Take(ref field, ref size);
            Take(ref field, ref packed);
            Take(ref field, ref offset);
        }

        static void Take(ref Span<byte> field, ref long value)
        {
            if (value != uint.MaxValue || field.Length < 8)
                return;
            value = BinaryPrimitives.ReadInt64LittleEndian(field);
            field = field[8..];
        }
    }

    // The data follow a second header, whose name and extra field may be of other lengths than the directory's.
    private static long DataOffset(ByteSource bytes, string name, long offset, string source)
    {
        Span<byte> local = stackalloc byte[LocalLength];
        if (offset < 0 || offset > bytes.Length - LocalLength)
            throw Bad(source, $"entry {SafeText.Quoted(name)} begins at byte {offset} of {bytes.Length}");
        bytes.Read(offset, local);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(local[26..]),
        extraLength = BinaryPrimitives.ReadUInt16LittleEndian(local[28..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(local) != LocalSignature || nameLength > MaximumNameLength
            || offset > bytes.Length - LocalLength - nameLength)
            throw Bad(source, $"entry {SafeText.Quoted(name)} does not begin at byte {offset}, where the directory says");
        var localName = new byte[nameLength];
        bytes.Read(offset + LocalLength, localName);
        return Encoding.UTF8.GetString(localName) == name
            ? offset + LocalLength + nameLength + extraLength
            : throw Bad(source, $"entry {SafeText.Quoted(name)} has another name where it begins");
    }

    private static void RefuseOverlap(Dictionary<string, Range> entries, string source)
    {
        var position = 0L;
        foreach (var (name, range) in entries.OrderBy(entry => entry.Value.Offset))
        {
            if (range.Offset < position)
                throw Bad(source, $"entry {SafeText.Quoted(name)} lies over another");
            position = range.Offset + range.Length;
        }
    }

    private static InvalidDataException Bad(string source, string what) => new($"'{source}' is not a proper zip of torch.save: {what}.");
}
