using System.Security.Cryptography;
using System.Text;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Sharding;

namespace MlNetFineTune.Fuzz.Targets;

/// <summary>
/// Files that the library writes for itself. Their checksums are of accidents alone: each input is read as it is, and then with a checksum
/// that fits, since anyone can make one.
/// </summary>
internal static class Caches
{
    private static readonly Lazy<Scratch> s_folder = new(Scratch.New);

    /// <summary>Features and shrunk pictures are in files of one form.</summary>
    public static KeyedFileForm Form { get; } = new("MNFTPICT", "pictures", ".pictures", ContentHash.Of("fuzz", []));

    public static void KeyedFile(byte[] input) => Twice(input, SignKeyed, bytes =>
    {
        using var file = new KeyedFile(s_folder.Value.Put("input.pictures", bytes), Form);
        foreach (var place in Enumerable.Range(0, Math.Min(file.Count, file.Keys.Count())))
        {
            file.IsWhole(place);
            if (ShrunkPicture.TryRead(file[place], out var picture) && picture.Size is { Width: <= 64, Height: <= 64 } size)
            {
                var pixels = new byte[4 * size.Width * size.Height];
                picture.CopyTo(new PixelWindow(0, 0, size.Width, size.Height), pixels);
            }
        }
    });

    public static void ImageIndex(byte[] input) => Twice(input, SignAtEnd, bytes =>
    {
        var index = MlNetFineTune.ImageIndex.Load(s_folder.Value.Put("input.index", bytes));
        if (index.Count > 0)
            _ = index.Search(Enumerable.Repeat(1f, index.Dimension).ToArray(), 3);
    });

    public static void ScoredBlock(byte[] input) => Twice(input, SignAtEnd, bytes =>
    {
        using var stream = BlockFile.Open(s_folder.Value.Put("input.block", bytes), out var description);
        _ = description.Scoring + description.Sample;
    });

    /// <param name="input"><c>scoring.json</c> and a shard's <c>complete.json</c>.</param>
    public static void ScoringPlan(byte[] input)
    {
        var parts = Bytes.Parts(input, 2);
        s_folder.Value.Put("scoring.json", parts[0].Length > 0 ? parts[0] : " "u8);
        var folder = ShardFolder.Open(s_folder.Value.Path);
        _ = folder.Plan.DifferenceFrom(folder.Plan);
        Directory.CreateDirectory(Path.Combine(s_folder.Value.Path, "shard-0-of-2"));
        var complete = Encoding.UTF8.GetString(parts[1]).Replace("IDENTITY", folder.Identity, StringComparison.Ordinal);
        s_folder.Value.Put(Path.Combine("shard-0-of-2", "complete.json"), Encoding.UTF8.GetBytes(complete));
        if (folder.Plan.Shards == 2)
            _ = folder.CompleteOf(folder.Shards.First());
    }

    private static void Twice(byte[] input, Action<byte[]> sign, Action<byte[]> read)
    {
        try
        {
            read(input);
        }
        catch (InvalidDataException)
        {
            byte[] signed = [.. input];
            sign(signed);
            read(signed);
        }
    }

    private static void SignAtEnd(byte[] file)
    {
        if (file.Length >= SHA256.HashSizeInBytes)
            SHA256.HashData(file.AsSpan(..^SHA256.HashSizeInBytes), file.AsSpan(^SHA256.HashSizeInBytes..));
    }

    // As KeyedFileForm.Header: the hash of the header's first 64 bytes and the index, which is at the end.
    private static void SignKeyed(byte[] file)
    {
        if (file.Length < KeyedFileForm.HeaderSize)
            return;
        Form.Owner.Write(file.AsSpan(32));
        if (Form.SizesOf(file, file.Length) is not var (bytes, _))
            return;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(file.AsSpan(0, 64));
        hash.AppendData(file.AsSpan((int)(KeyedFileForm.HeaderSize + bytes)));
        hash.GetHashAndReset(file.AsSpan(64));
    }
}
