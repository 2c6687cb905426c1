using System.IO.Compression;
using System.IO.Hashing;
using System.Text.Unicode;
using MlNetFineTune.WeightFiles;
using MlNetFineTune.WeightFiles.Pickle;

namespace MlNetFineTune.Networks;

/// <summary>
/// Validates a TorchScript file before libtorch reads it, which trusts it: a damaged file ends the process (its ErrorReport is none of the
/// exceptions that TorchSharp catches), or reads numbers beyond their end. Checked are the zip's directory, the CRC-32 of each entry, the
/// parts that must be there, whether the code is text, and for each tensor whether it lies in its storage and the storage is in the file.
/// What the code does cannot be checked: the file is a program.
/// </summary>
internal static class ScriptArchive
{
    // Of all entries together. Only code and its line numbers are compressed: a few megabytes in the largest programs.
    private const long MaximumUnpacked = 256 << 20;
    private const int MaximumVersionLength = 8;

    // Deflate makes at most 258 bytes of two bits (RFC 1951): no memory is taken for a size that its bytes cannot fill.
    private const int MostUnpackedOfByte = 1032;

    /// <exception cref="InvalidDataException">The file is damaged or was not written by torch.jit.save.</exception>
    public static void Check(byte[] bytes, string source)
    {
        try
        {
            using var file = ByteSource.OfMemory(bytes);
            var zip = StoredZip.ReadDirectory(file, source);
            var folder = Folder(zip, source);
            ZipChecksums.Check(file, zip, source);
            CheckPacked(bytes, zip, source);
            CheckVersion(bytes, zip[folder + "version"], source);
            CheckPickle(file, zip, folder + "data.pkl", folder + "data/", source);
            CheckPickle(file, zip, folder + "constants.pkl", folder + "constants/", source);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException($"'{source}' is no TorchScript program, or it is damaged: {e.Message} {TorchScript.Advice}", e);
        }
    }

    // libtorch takes the first entry's folder for that of all entries, and ignores case.
    private static string Folder(IReadOnlyDictionary<string, StoredZip.Range> zip, string source)
    {
        var folders = zip.Keys.Select(name => name[..(name.IndexOf('/') + 1)]).Distinct(StringComparer.Ordinal).ToList();
        if (folders is not [{ Length: > 0 } folder])
            throw Bad(source, $"does not have its parts in one folder, as torch.jit.save writes them: "
                + $"it holds {MismatchReport.Few(zip.Keys)}");
        if (zip.Keys.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Skip(1).Any()) is { } twice)
            throw Bad(source, $"has two entries {SafeText.Quoted(twice.Key)} that differ only in upper and lower case");
        foreach (var part in (string[])["data.pkl", "constants.pkl", "version"])
        {
            if (!zip.TryGetValue(folder + part, out var entry))
                throw Bad(source, $"has no {part}");
            if (entry.IsCompressed)
                throw Bad(source, $"has its {part} compressed, which torch.jit.save does not do");
        }
        return folder;
    }

    private static void CheckPacked(byte[] bytes, IReadOnlyDictionary<string, StoredZip.Range> zip, string source)
    {
        var left = MaximumUnpacked;
        foreach (var (name, entry) in zip)
        {
            if (entry.IsCompressed && (left -= entry.Size) < 0)
                throw Bad(source, $"has compressed entries of more than {MaximumUnpacked} bytes");
            var content = entry.IsCompressed ? Unpack(bytes, name, entry, source) : bytes.AsSpan((int)entry.Offset, (int)entry.Length);
            if (name.EndsWith(".py", StringComparison.Ordinal) && (!Utf8.IsValid(content) || content.Contains((byte)0)))
                throw Bad(source, $"is damaged: its code {SafeText.Quoted(name)} is not text");
        }
    }

    private static Span<byte> Unpack(byte[] bytes, string name, StoredZip.Range entry, string source)
    {
        if (entry.Size > entry.Length * MostUnpackedOfByte)
            throw Bad(source, $"is damaged: entry {SafeText.Quoted(name)} of {entry.Length} bytes cannot unpack to {entry.Size}");
        var content = new byte[entry.Size];
        using var unpacking = new DeflateStream(new MemoryStream(bytes, (int)entry.Offset, (int)entry.Length), CompressionMode.Decompress);
        if (unpacking.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length || unpacking.ReadByte() >= 0)
            throw Bad(source, $"is damaged: entry {SafeText.Quoted(name)} does not unpack to its {entry.Size} bytes");
        ZipChecksums.Require(name, entry, Crc32.HashToUInt32(content), source);
        return content;
    }

    private static void CheckVersion(byte[] bytes, StoredZip.Range entry, string source)
    {
        var version = bytes.AsSpan((int)entry.Offset, (int)entry.Length).TrimEnd("\n"u8);
        if (version.Length is 0 or > MaximumVersionLength || version.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            throw Bad(source, "is damaged: its version is not a number");
    }

    // libtorch reads a storage of the length that the pickle says from an entry of whatever length.
    private static void CheckPickle(
        ByteSource file, IReadOnlyDictionary<string, StoredZip.Range> zip, string name, string folder, string source)
    {
        var range = zip[name];
        var storages = new PickledStorages(source);
        new PickleReader(source, new BufferedBytes(file, range.Offset, range.Offset + range.Length), storages.Resolve).Read();
        foreach (var (key, storage) in storages.ByKey.Where(storage => storage.Value.ByteLength > 0))
        {
            if (zip.TryGetValue(folder + key, out var numbers) && numbers.Size == storage.ByteLength)
                continue;
            var found = $"the numbers {SafeText.Quoted(key)} of its {Path.GetFileName(name)} have {numbers.Size} bytes";
            throw Bad(source, $"is damaged: {found}, expected {storage.ByteLength}");
        }
    }

    private static InvalidDataException Bad(string source, string what) => new($"'{source}' {what}.");
}
