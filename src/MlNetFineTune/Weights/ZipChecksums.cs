using System.Buffers;
using System.IO.Hashing;

namespace MlNetFineTune.WeightFiles;

/// <summary>
/// Compares every stored entry of a zip with the CRC-32 that its directory has of it: a weight with a flipped bit is still a valid number,
/// and nothing else would find it. PyTorch writes the checksums and does not look at them.
/// </summary>
internal static class ZipChecksums
{
    // Stays in the processor's cache between the reading and the sum.
    private const int Piece = 1 << 18;

    /// <summary>Whether the writer left the sums out, as torch.serialization.set_crc32_options(False) has it do.</summary>
    public static bool AreMissing(IReadOnlyDictionary<string, StoredZip.Range> entries) =>
        entries.Values.All(entry => entry.Crc == 0) && entries.Values.Any(entry => entry.Size > 0);

    /// <param name="bytes">The zip.</param>
    /// <param name="entries">The directory of the zip. Compressed entries are not checked.</param>
    /// <param name="source">Name for messages.</param>
    /// <exception cref="InvalidDataException">An entry is damaged.</exception>
    public static void Check(ByteSource bytes, IReadOnlyDictionary<string, StoredZip.Range> entries, string source)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            foreach (var (name, entry) in entries.Where(entry => !entry.Value.IsCompressed).OrderBy(entry => entry.Value.Offset))
                Require(name, entry, Sum(bytes, entry, buffer), source);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <exception cref="InvalidDataException">The sum is another.</exception>
    public static void Require(string name, StoredZip.Range entry, uint actual, string source)
    {
        if (actual == entry.Crc)
            return;
        var found = $"the CRC-32 of its entry {SafeText.Quoted(name)} is {actual:x8}";
        throw new InvalidDataException($"'{source}' is damaged: {found}, expected {entry.Crc:x8}. Fetch it again.");
    }

    private static uint Sum(ByteSource bytes, StoredZip.Range entry, byte[] buffer)
    {
        var crc = new Crc32();
        for (var done = 0L; done < entry.Length;)
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, entry.Length - done));
            bytes.Read(entry.Offset + done, piece);
            crc.Append(piece);
            done += piece.Length;
        }
        return crc.GetCurrentHashAsUInt32();
    }
}
