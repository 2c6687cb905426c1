using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Data;

/// <summary>Data sets larger than memory stream: what an epoch takes does not depend on how many rows it has.</summary>
[TestClass]
public sealed class MemoryOfAnEpochTests
{
    // Pictures of 96 pixels, 27,648 bytes decoded and about 9,000 as files: 8,000 more of them are 221 MB and 72 MB.
    private const int Size = 96;
    private const long Margin = 32 << 20;

    [TestMethod]
    [TestCategory(Categories.Slow)]
    [DataRow("paths")]
    [DataRow("bytes")]
    public void ItDoesNotGrowWithTheRows(string source)
    {
        var files = Enumerable.Range(0, 8).Select(Noise).ToArray();
        _ = PeakOf(500); // everything is loaded, every pool filled
        var small = PeakOf(2_000);
        var large = PeakOf(10_000);

        Console.WriteLine($"{source}: {small >> 20} MiB with 2,000 rows, {large >> 20} MiB with 10,000.");
        Assert.IsLessThan(Margin, large - small, "bytes of working set");

        long PeakOf(int count)
        {
            var ml = new MLContext { TempFilePath = SmallPictures.NewFolder() };
            var host = ((Microsoft.ML.Runtime.IHostEnvironment)ml).Register("test");
            var view = source == "paths"
                ? ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new PathRow { Picture = files[i % files.Length].Path }))
                : ml.Data.LoadFromEnumerable(Enumerable.Range(0, count)
                    .Select(i => new BytesRow { Picture = [.. files[i % files.Length].Bytes] }));
            var images = new ImageInput(new ImageColumn("Picture", null, null), new ImageEncoder(new ImagePreprocessing { Size = Size }));
            using var cursor = view.GetRowCursor(view.Schema);
            using var collector = images.Collect(host, cursor);
            long peak = 0;
            for (var n = 0; cursor.MoveNext(); n++)
            {
                collector.Collect();
                if (n % 500 == 0)
                    peak = Math.Max(peak, Environment.WorkingSet);
            }
            var rows = collector.ToRows();
            var read = 0;
            foreach (var batch in new BatchLoader(rows, seed: 1, workers: 2)
                .Read(BatchLoader.Split([.. Enumerable.Range(0, count)], 16), Augmentation.Light, 1,
                    (row, reason) => Assert.Fail(reason), default))
            {
                if ((read += batch.Count) % 512 == 0)
                    peak = Math.Max(peak, Environment.WorkingSet);
            }
            Assert.AreEqual(count, read);
            return peak;
        }
    }

    private static (string Path, byte[] Bytes) Noise(int seed)
    {
        var pixels = new byte[Size * Size * 4];
        new Random(seed).NextBytes(pixels);
        var bytes = FormulaPicture.Encode(pixels, Size, Size, SKEncodedImageFormat.Jpeg, quality: 80);
        var path = Path.Combine(SmallPictures.NewFolder(), "noise.jpg");
        File.WriteAllBytes(path, bytes);
        return (path, bytes);
    }

    private sealed class PathRow
    {
        public string Picture { get; set; } = "";
    }

    private sealed class BytesRow
    {
        public byte[] Picture { get; set; } = [];
    }
}
