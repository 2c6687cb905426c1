using System.Security.Cryptography;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class BatchLoaderTests
{
    [TestMethod]
    [DataRow(33, 16)]
    [DataRow(16, 16)]
    [DataRow(17, 16)]
    [DataRow(1, 16)]
    [DataRow(0, 16)]
    [DataRow(100, 7)]
    public void BatchesDifferInSizeByAtMostOneAndKeepTheOrder(int rows, int batchSize)
    {
        var batches = BatchLoader.Split([.. Enumerable.Range(0, rows)], batchSize);
        CollectionAssert.AreEqual(Enumerable.Range(0, rows).ToArray(), batches.SelectMany(batch => batch).ToArray());
        Assert.HasCount((rows + batchSize - 1) / batchSize, batches);
        if (rows > 0)
            Assert.IsLessThanOrEqualTo(Math.Min(batchSize, batches.Min(batch => batch.Length) + 1), batches.Max(batch => batch.Length));
    }

    [TestMethod]
    public void OneWorkerAndEightGiveTheSameBytes()
    {
        var one = Read(new Pictures(), workers: 1, epoch: 1);
        CollectionAssert.AreEqual(one, Read(new Pictures(), workers: 8, epoch: 1));
        CollectionAssert.AreNotEqual(one, Read(new Pictures(), workers: 8, epoch: 2));
    }

    [TestMethod]
    public void PicturesThatCannotBeReadAreReportedAndLeftOut()
    {
        var bad = new List<(int, string)>();
        var good = Loader(new Pictures { Bad = row => row % 5 == 0 }, 4)
            .Read(Batches, Augmentation.None, 1, (row, reason) => bad.Add((row, reason)), default)
            .SelectMany(batch => batch.Rows).ToArray();
        CollectionAssert.AreEqual(Enumerable.Range(0, 50).Where(row => row % 5 != 0).ToArray(), good);
        CollectionAssert.AreEqual(Enumerable.Range(0, 10).Select(i => (i * 5, "bad")).ToArray(), bad);
    }

    [TestMethod]
    public void AnExceptionOfAWorkerIsThrownWhereTheBatchIsAwaited()
    {
        var seen = 0;
        var failure = Assert.ThrowsExactly<NotSupportedException>(() =>
        {
            foreach (var batch in Loader(new Pictures { Throws = row => row == 20 }, 4)
                .Read(Batches, Augmentation.None, 1, Unexpected, default))
                seen += batch.Count;
        });
        Assert.AreEqual("row 20", failure.Message);
        Assert.IsTrue(seen is >= 14 and <= 20, "the batches before it came through");
    }

    [TestMethod]
    public void CancellingEndsThePassAndItsThreads()
    {
        using var cancellation = new CancellationTokenSource();
        var pictures = new Pictures();
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var _ in Loader(pictures, 4).Read(Batches, Augmentation.None, 1, Unexpected, cancellation.Token))
                cancellation.Cancel();
        });
        var encoded = pictures.Encoded;
        Thread.Sleep(50);
        Assert.AreEqual(encoded, pictures.Encoded, "no worker is left");
    }

    [TestMethod]
    public void ASlowConsumerHoldsTheWorkersBackAndTheBuffersGoRound()
    {
        const int count = 4; // 8 workers, batches of 7
        Assert.AreEqual(count, BatchLoader.Buffers(workers: 8, batchSize: 7));
        var pictures = new Pictures();
        var buffers = new HashSet<byte[]>(ReferenceEqualityComparer.Instance);
        var delivered = 0;
        foreach (var batch in Loader(pictures, 8).Read(Batches, Augmentation.None, 1, Unexpected, default))
        {
            buffers.Add(batch.Samples);
            Thread.Sleep(20);
            Assert.IsLessThanOrEqualTo(delivered + count * 7, pictures.Encoded);
            delivered += batch.Count;
        }

        Assert.HasCount(count, buffers);
        Assert.AreEqual(50, delivered);
    }

    // On a machine with many cores and small batches: three buffers would keep 8 of them busy.
    [TestMethod]
    public void ManyWorkersAllHaveWorkAlsoWithSmallBatchesWhileOneIsConsumed()
    {
        const int workers = 32;
        using var meeting = new Barrier(workers);
        var pictures = new Pictures
        {
            Rows = 4 + workers,
            Meets = row =>
            {
                if (row >= 4) Assert.IsTrue(meeting.SignalAndWait(Patience.Limit), "not all workers were at work at once");
            }
        };
        var delivered = 0;
        foreach (var batch in Loader(pictures, workers)
            .Read(BatchLoader.Split([.. Enumerable.Range(0, pictures.Count)], 4), Augmentation.None, 1, Unexpected, default))
        {
            if (delivered == 0)
                Assert.IsTrue(SpinWait.SpinUntil(() => meeting.CurrentPhaseNumber == 1, Patience.Limit),
                    "while the first batch is consumed, every worker has a picture");
            delivered += batch.Count;
        }

        Assert.AreEqual(4 + workers, delivered);
    }

    [TestMethod]
    public void AConsumerThatStopsEarlyLeavesNoWorkers()
    {
        var pictures = new Pictures();
        foreach (var _ in Loader(pictures, 8).Read(Batches, Augmentation.None, 1, Unexpected, default))
            break;
        var encoded = pictures.Encoded;
        Thread.Sleep(50);
        Assert.AreEqual(encoded, pictures.Encoded);
    }

    private static int[][] Batches => BatchLoader.Split([.. Enumerable.Range(0, 50)], 7);

    private static BatchLoader Loader(ImageRows rows, int workers) =>
        new(new EncodedImages(rows, "Image", new ImageEncoder(new ImagePreprocessing { Size = 32 })), seed: 3, workers);

    private static byte[] Read(Pictures pictures, int workers, int epoch) =>
        [.. Loader(pictures, workers).Read(Batches, Augmentation.Light, epoch, Unexpected, default)
            .SelectMany(batch => batch.Samples.Take(batch.Count * 32 * 32 * 3).ToArray())];

    private static void Unexpected(int row, string reason) => Assert.Fail($"row {row}: {reason}");

    private sealed class Pictures : ImageRows
    {
        private static readonly byte[] s_pixels = FormulaPicture.Pixels(80, 60);
        private int _encoded;

        public Func<int, bool> Bad { get; init; } = _ => false;

        public Func<int, bool> Throws { get; init; } = _ => false;

        public int Encoded => Volatile.Read(ref _encoded);

        public Action<int> Meets { get; init; } = _ => { };

        public int Rows { get; init; } = 50;

        public override int Count => Rows;

        public override string? PathOf(int row) => null;

        public override void Identify(int row, IncrementalHash hash) => hash.AppendData([(byte)row]);

        public override string? Encode(
            int row, ImageEncoder encoder, Augmentation augmentation, CountedRandom random, Span<byte> output,
            CancellationToken cancellation = default)
        {
            if (Throws(row))
                throw new NotSupportedException($"row {row}");
            Meets(row);
            Interlocked.Increment(ref _encoded);
            return Bad(row) ? "bad" : encoder.EncodePixels(new PixelSource(s_pixels, 80, 60, false), augmentation, random, output);
        }

        public override void Dispose()
        {
        }
    }
}
