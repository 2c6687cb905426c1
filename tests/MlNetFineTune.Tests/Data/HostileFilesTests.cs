using System.Buffers.Binary;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>Files are untrusted: any content results in a picture or a reason, in bounded time and memory.</summary>
[TestClass]
public sealed class HostileFilesTests
{
    private const int MutationsPerFile = 150;

    [TestMethod]
    public void MutatedFilesNeverCrashHangOrTakeMuchMemory()
    {
        var (read, refused) = (0, 0);
        var before = Environment.WorkingSet;
        var largest = before;
        foreach (var (n, (name, file, _)) in FileFormatsTests.Files.Index())
        {
            for (var i = 0; i < MutationsPerFile; i++)
            {
                var mutated = Mutate(file, new Random(n * 1000 + i));
                var started = Environment.CpuUsage.TotalTime; // and not the time that other programs took
                var reason = FileFormatsTests.Reason(mutated);
                Assert.IsLessThan(5, (Environment.CpuUsage.TotalTime - started).TotalSeconds, $"{name}, mutation {i}");
                Assert.AreNotEqual("", reason);
                _ = reason is null ? read++ : refused++;
            }
            largest = Math.Max(largest, Environment.WorkingSet);
        }

        Assert.IsGreaterThan(500, read, "mutations that leave a picture");
        Assert.IsGreaterThan(500, refused, "mutations that do not");
        Assert.IsLessThan(200 << 20, largest - before, "bytes");
    }

    [TestMethod]
    public void EveryTruncationHasAReasonOrAWholePicture()
    {
        foreach (var (name, file, _) in FileFormatsTests.Files)
        {
            // the first frame is all that is read
            var whole = file.Length * (name.EndsWith("animated", StringComparison.Ordinal) ? 3 : 9) / 10;
            for (var length = 0; length < whole; length += Math.Max(1, file.Length / 60))
                Assert.IsTrue(FileFormatsTests.Reason(file[..length]) is { Length: > 0 }, $"{name} of {length} bytes");
            Assert.IsNull(FileFormatsTests.Reason([.. file, .. new byte[1000]]), $"{name} with zeros behind");
            Assert.IsNull(FileFormatsTests.Reason([.. file, .. file]), $"{name} twice");
        }
    }

    [TestMethod]
    [DataRow("png-rgb", 65_535, 65_535, "more than 179,000,000 are refused")]
    [DataRow("png-rgb", 100_000, 100, "a side of more than 65,535 is refused")]
    [DataRow("png-rgb", 13_000, 13_000, "bytes cannot hold")]
    [DataRow("png-rgb", 0, 32, "")]
    [DataRow("png-rgb", -1, 32, "")]
    [DataRow("jpeg", 65_500, 65_500, "more than 179,000,000 are refused")]
    [DataRow("jpeg", 13_000, 13_000, "bytes cannot hold")]
    [DataRow("jpeg-progressive", 13_000, 13_000, "bytes cannot hold")]
    [DataRow("jpeg", 0, 32, "")]
    [DataRow("gif", 65_535, 65_535, "more than 179,000,000 are refused")]
    [DataRow("gif", 13_000, 13_000, "bytes cannot hold")]
    [DataRow("bmp-24", 13_000, 13_000, "bytes cannot hold")]
    [DataRow("bmp-24", int.MaxValue, 1, "")]
    [DataRow("bmp-8-run-length", 13_000, 13_000, "bytes cannot hold")]
    public void AnAbsurdSizeIsRefusedBeforeMemoryIsTaken(string name, int width, int height, string reason)
    {
        var file = WithSize(FileFormatsTests.Files.Single(f => f.Name == name).File, width, height);
        var (managed, all) = (GC.GetTotalAllocatedBytes(), Environment.WorkingSet);

        var found = FileFormatsTests.Reason(file);

        Assert.IsNotNull(found);
        StringAssert.Contains(found, reason);
        Assert.IsLessThan(4 << 20, GC.GetTotalAllocatedBytes() - managed);
        Assert.IsLessThan(64 << 20, Environment.WorkingSet - all);
    }

    private static byte[] WithSize(byte[] file, int width, int height)
    {
        file = [.. file];
        if (file[0] == 0x89) // PNG: IHDR, with a checksum
        {
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), width);
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), height);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(29), ImageEncoderTests.Crc32(file.AsSpan(12, 17)));
        }
        else if (file[0] == 'G')
        {
            var frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x2C, 0, 0, 0, 0, 32, 0, 32, 0]);
            foreach (var at in (int[])[6, frame + 5])
            {
                BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)width);
                BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at + 2), (ushort)height);
            }
        }
        else if (file[0] == 'B')
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        }
        else // JPEG: the frame header, baseline or progressive
        {
            var frame = Math.Max(file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0, 0]),
                file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC2, 0]));
            BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(frame + 5), (ushort)height);
            BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(frame + 7), (ushort)width);
        }
        return file;
    }

    private static byte[] Mutate(byte[] file, Random random)
    {
        var bytes = file.ToList();
        for (var n = random.Next(1, 5); n > 0; n--)
        {
            var at = random.Next(bytes.Count);
            var count = Math.Min(random.Next(1, 9), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0: // a bit
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1: // a byte that means much: extremes
                    bytes[at] = (byte)(random.Next(2) * 255);
                    break;
                case 2: // several anew
                    for (var i = 0; i < count; i++)
                        bytes[at + i] = (byte)random.Next(256);
                    break;
                case 3: // several lost
                    bytes.RemoveRange(at, Math.Min(count, bytes.Count - 1));
                    break;
                case 4: // several twice
                    bytes.InsertRange(at, bytes.GetRange(at, count));
                    break;
                default: // in the header, where the sizes are
                    bytes[Math.Min(random.Next(64), bytes.Count - 1)] = (byte)random.Next(256);
                    break;
            }
        }
        return [.. bytes];
    }
}
