using System.Buffers.Binary;
using System.IO.Compression;
using Microsoft.ML;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Data;

/// <summary>The memory of concurrent decoding is bounded for the whole process.</summary>
[TestClass]
public sealed class ByteBudgetTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromMinutes(2); // on a busy machine
    private static readonly TimeSpan s_while = TimeSpan.FromMilliseconds(100);

    [TestMethod]
    public void WhoWantsMoreThanIsLeftWaitsInTheOrderOfAsking()
    {
        var budget = new ByteBudget(10);
        var order = new List<string>();
        using var mayEnd = new ManualResetEventSlim();
        Task large, small;
        using (budget.Take(6))
        {
            using (budget.Take(0))
            {
            }
            large = Start(7, "large");
            small = Start(4, "small"); // it would fit now, but then the large one might wait for ever
            Assert.AreEqual(-1, Task.WaitAny([large, small], s_while));
            Assert.AreEqual(6, budget.HighWater);
        }
        mayEnd.Set();

        Assert.IsTrue(Task.WaitAll([large, small], s_soon));
        CollectionAssert.AreEqual(new[] { "large", "small" }, order);
        Assert.IsLessThanOrEqualTo(10, budget.HighWater);

        Task Start(long bytes, string name)
        {
            using var asked = new ManualResetEventSlim();
            var task = Task.Run(() =>
            {
                asked.Set();
                using var share = budget.Take(bytes);
                lock (order)
                    order.Add(name);
                mayEnd.Wait();
            });
            asked.Wait();
            Thread.Sleep(s_while); // until it waits
            return task;
        }
    }

    [TestMethod]
    public void WhoWantsMoreThanThereIsGoesAlone()
    {
        var budget = new ByteBudget(10);
        Task huge;
        using (budget.Take(1))
        {
            huge = Task.Run(() => budget.Take(25).Dispose());
            Assert.IsFalse(huge.Wait(s_while));
        }

        Assert.IsTrue(huge.Wait(s_soon));
        Assert.AreEqual(25, budget.HighWater);
        using var share = budget.Take(10); // all was given back
    }

    [TestMethod]
    public void AWaitThatIsGivenUpHoldsNothingAndHoldsNobodyUp()
    {
        var budget = new ByteBudget(10);
        using var cancellation = new CancellationTokenSource();
        using (budget.Take(6))
        {
            var large = Task.Run(() => budget.Take(10, cancellation.Token).Dispose());
            Assert.IsFalse(large.Wait(s_while));
            var small = Task.Run(() => budget.Take(4).Dispose());
            Assert.IsFalse(small.Wait(s_while));

            cancellation.Cancel();

            Assert.IsTrue(small.Wait(s_soon));
            Assert.ThrowsExactly<AggregateException>(() => large.Wait(s_soon));
            Assert.IsTrue(large.IsFaulted || large.IsCanceled);
        }
        using var share = budget.Take(10);
    }

    [TestMethod]
    public void ManyThreadsNeverExceedTheBudgetAndAllComeToAnEnd()
    {
        var budget = new ByteBudget(100);
        long used = 0, most = 0;
        var threads = Enumerable.Range(0, 8).Select(t => new Thread(() =>
        {
            var random = new Random(t);
            for (var i = 0; i < 500; i++)
            {
                var bytes = random.Next(1, 60);
                using var impatient = new CancellationTokenSource(random.Next(4) == 0 ? 0 : Timeout.Infinite);
                try
                {
                    using var share = budget.Take(bytes, impatient.Token);
                    InterlockedMax(ref most, Interlocked.Add(ref used, bytes));
                    Thread.Yield();
                    Interlocked.Add(ref used, -bytes);
                }
                catch (OperationCanceledException)
                {
                }
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => Assert.IsTrue(thread.Join(s_soon)));

        Assert.IsLessThanOrEqualTo(100, most);
        Assert.IsGreaterThanOrEqualTo(most, budget.HighWater);
        Assert.IsLessThanOrEqualTo(100, budget.HighWater);
        using var all = budget.Take(100);

        static void InterlockedMax(ref long target, long value)
        {
            for (var old = Volatile.Read(ref target); value > old && Interlocked.CompareExchange(ref target, value, old) != old;
                old = Volatile.Read(ref target))
            {
            }
        }
    }

    [TestMethod]
    [DataRow("png-rgb", 4)]
    [DataRow("png-interlaced", 4 + 8)]
    [DataRow("jpeg", 4)]
    [DataRow("jpeg-progressive", 4 + 2 * 3)]
    [DataRow("bmp-24", 4)]
    [DataRow("gif", 4 + 4)]
    public void APictureCostsWhatItsDecoderKeeps(string name, int bytesPerPixel)
    {
        var file = FileFormatsTests.Files.Single(f => f.Name == name).File;
        using var codec = SKCodec.Create(new MemoryStream(file));
        var size = codec.Info.Size;

        Assert.AreEqual(bytesPerPixel * size.Width * size.Height + 16 * 24 * size.Height, DecodeCost.Of(codec, file, size, size, size: 24),
            "and 16 bytes for each of 24 columns of every row");
    }

    /// <summary>16 pictures of 64 million pixels, 62 KB each, would have taken 4.3 GB.</summary>
    [TestMethod]
    [TestCategory(Categories.Slow)]
    public void SixteenHugePicturesScoredWhileOthersTrainStayWithinTheBudget()
    {
        var ml = new MLContext();
        var path = Path.Combine(SmallPictures.NewFolder(), "huge.png");
        File.WriteAllBytes(path, GrayPng(8000, 8000));
        const long one = 4L * 8000 * 8000;
        using var model = SmallTraining.LoadModel(ml);
        var rows = new StoredRows(SmallPictures.NewFolder());
        for (var i = 0; i < 16; i++)
            rows.Add(new Picture(new PictureHead(Path: path)));
        using var inputs = new EncodedImages(rows, "ImagePath", new ImageEncoder(new ImagePreprocessing { Size = 32 }));

        ByteBudget.Pixels.HighWater = 0;
        var training = Task.Run(() => new BatchLoader(inputs, seed: 1, workers: 16)
            .Read([[.. Enumerable.Range(0, 16)]], Augmentation.None, epoch: 1, (_, reason) => Assert.Fail(reason), default)
            .Sum(batch => batch.Count));
        var scores = SmallTraining.Scores(
            model.Transform(SmallPictures.View(ml, Enumerable.Repeat(new Photo { Label = "dots", ImagePath = path }, 16))));

        Assert.AreEqual(16, training.GetAwaiter().GetResult());
        Assert.IsTrue(scores.All(row => row.All(float.IsFinite)));
        Assert.IsLessThanOrEqualTo(Math.Max(ByteBudget.Pixels.Capacity, one + one / 4), ByteBudget.Pixels.HighWater);
        Assert.IsGreaterThan(one, ByteBudget.Pixels.HighWater, "it was asked");
        Assert.IsLessThanOrEqualTo(1L << 30, ByteBudget.Pixels.Capacity);
    }

    [TestMethod]
    public void AReadingThatIsGivenUpDoesNotWaitForMemory()
    {
        var path = Path.Combine(SmallPictures.NewFolder(), "1.png");
        File.Copy(SmallPictures.PathOf("dots", 0), path);
        var rows = new StoredRows(SmallPictures.NewFolder());
        rows.Add(new Picture(new PictureHead(Path: path)));
        using var inputs = new EncodedImages(rows, "ImagePath", new ImageEncoder(new ImagePreprocessing { Size = 32 }));
        using var cancellation = new CancellationTokenSource();
        Task reading;
        using (ByteBudget.Pixels.Take(ByteBudget.Pixels.Capacity))
        {
            reading = Task.Run(() => new BatchLoader(inputs, seed: 1, workers: 1)
                .Read([[0]], Augmentation.None, epoch: 1, (_, _) => { }, cancellation.Token).Count());
            Assert.IsFalse(reading.Wait(s_while));

            cancellation.Cancel();

            var error = Assert.ThrowsExactly<AggregateException>(() => reading.Wait(s_soon));
            Assert.IsInstanceOfType<OperationCanceledException>(error.InnerException);
        }
    }

    // 8 bits a pixel, all of one gray.
    private static byte[] GrayPng(int width, int height)
    {
        using var pixels = new MemoryStream();
        using (var deflate = new ZLibStream(pixels, CompressionLevel.Optimal, leaveOpen: true))
        {
            var row = new byte[1 + width]; // its filter, then its pixels
            Array.Fill(row, (byte)128, 1, width);
            for (var y = 0; y < height; y++)
                deflate.Write(row);
        }
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        return [0x89, .. "PNG\r\n\u001a\n"u8, .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, pixels.ToArray()), .. Chunk("IEND"u8, [])];

        static byte[] Chunk(ReadOnlySpan<byte> name, byte[] data)
        {
            var chunk = new byte[12 + data.Length];
            BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
            name.CopyTo(chunk.AsSpan(4));
            data.CopyTo(chunk, 8);
            BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), ImageEncoderTests.Crc32(chunk.AsSpan(4, 4 + data.Length)));
            return chunk;
        }
    }
}
