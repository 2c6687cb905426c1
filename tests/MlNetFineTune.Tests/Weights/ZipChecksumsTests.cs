using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using MlNetFineTune.Networks;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.WeightFiles;
using static TorchSharp.torch;

namespace MlNetFineTune.Tests.WeightFiles;

/// <summary>A flipped bit in a file of torch.save is a number all the same; only the checksums of its zip tell.</summary>
[TestClass]
public sealed class ZipChecksumsTests
{
    // One bit in five, of every byte: of the numbers, the pickle, the names, the zip's own tables.
    [TestMethod]
    [DataRow("plain.pth")]
    [DataRow("protocol5.pth")]
    public void AFlippedBitIsFoundOrMeansNothing(string name)
    {
        var original = File.ReadAllBytes(TorchFileTests.PathOf(name));
        var expected = Content(original);
        var found = 0;
        for (var bit = 0; bit < 8 * original.Length; bit += 5)
        {
            var damaged = original.ToArray();
            damaged[bit / 8] ^= (byte)(1 << bit % 8);
            try
            {
                Assert.AreEqual(expected, Content(damaged), $"bit {bit % 8} of byte {bit / 8}");
            }
            catch (InvalidDataException)
            {
                found++;
            }
        }
        Assert.IsGreaterThan(8 * original.Length / 5 / 3, found,
            "Most of the rest are bytes that fill up to the next multiple of 64, and times.");
    }

    [TestMethod]
    public void TheDamagedEntryIsNamed()
    {
        var file = File.ReadAllBytes(TorchFileTests.PathOf("plain.pth"));
        var (name, entry) = Directory(file).Single(entry => entry.Key == "plain/data/1");
        file[entry.Offset] ^= 1;
        var error = Assert.ThrowsExactly<InvalidDataException>(() => HostileFilesTests.Open(file).Dispose());
        StringAssert.Contains(error.Message, $"is damaged: the CRC-32 of its entry '{name}' is ");
        StringAssert.Contains(error.Message, $", expected {entry.Crc:x8}. Fetch it again.");
    }

    // torch.serialization.set_crc32_options(False)
    [TestMethod]
    public void AFileWhoseWriterLeftTheChecksumsOutIsReadAndSaysSo()
    {
        var file = File.ReadAllBytes(TorchFileTests.PathOf("plain.pth"));
        var expected = Content(file);
        foreach (var at in Enumerable.Range(0, file.Length - 4).Where(at => file.AsSpan(at).StartsWith("PK\x01\x02"u8)))
            file.AsSpan(at + 16, 4).Clear();
        using var open = HostileFilesTests.Open(file);
        StringAssert.Contains(string.Join(' ', open.Notes), "has no checksums");
        Assert.AreEqual(expected, Content(file));
    }

    [TestMethod]
    public void WhatTheTwoDirectoriesOfAZipContradictIsRefused()
    {
        var file = File.ReadAllBytes(TorchFileTests.PathOf("plain.pth"));
        var wide = file.AsSpan().LastIndexOf("PK\x06\x06"u8);
        BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(wide + 32), 4);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => HostileFilesTests.Open(file).Dispose()).Message,
            "its 64-bit directory contradicts the other");
    }

    // The sum of "123456789" in the catalogue of CRC algorithms (CRC-32/ISO-HDLC) is cbf43926.
    [TestMethod]
    public void TheSumIsTheOneOfZips()
    {
        Assert.AreEqual(0xcbf43926, Crc32.HashToUInt32("123456789"u8));
        using var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var content = archive.CreateEntry("a/long", CompressionLevel.NoCompression).Open();
            content.Write([.. Enumerable.Range(0, 1_000_000).Select(i => (byte)(i * 31 / 7))]); // several pieces
        }
        using var bytes = ByteSource.OfMemory(zip.ToArray());
        ZipChecksums.Check(bytes, StoredZip.ReadDirectory(bytes, "a"), "a");
    }

    private static IReadOnlyDictionary<string, StoredZip.Range> Directory(byte[] file)
    {
        using var bytes = ByteSource.OfMemory(file);
        return StoredZip.ReadDirectory(bytes, "a");
    }

    private static string Content(byte[] file)
    {
        using var open = HostileFilesTests.Open(file);
        return string.Join("; ", open.Entries.OrderBy(entry => entry.Name, StringComparer.Ordinal).Select(entry =>
        {
            using var target = zeros(entry.Shape, ScalarType.Float64);
            open.Read(entry, target);
            return $"{entry.Describe()} {entry.Type} {string.Join(',', target.Values())}";
        }));
    }
}
