using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Primitives;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tests.Support;
using MlNetFineTune.Training;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>What a cache of scores asks of its store, and when: seldom.</summary>
[TestClass]
public sealed class ScoreCacheTests
{
    private const int Length = 4;
    private readonly MLContext _ml = new();
    private readonly Clock _clock = new();

    [TestMethod]
    public void AStoreThatCannotBeOpenedIsNotTriedAgain()
    {
        var opened = 0;
        using var cache = new ScoreCache(Host(), Length, _ =>
        {
            opened++;
            throw new IOException("no such place");
        });

        Assert.AreEqual("no such place", Assert.ThrowsExactly<IOException>(cache.Open).Message);
        Assert.AreEqual("no such place", Assert.ThrowsExactly<IOException>(cache.Open).Message);
        Assert.AreEqual("no such place", Assert.ThrowsExactly<IOException>(() => cache.TryGet(Key(0), new float[Length])).Message);
        Assert.ThrowsExactly<IOException>(() => cache.Put([(Key(0), 0)], new float[Length]));
        Assert.AreEqual(1, opened);
    }

    [TestMethod]
    public void RowsAreFoundBeforeTheyAreCompleteAndFilesBecomeLarger()
    {
        var store = new CountingStore();
        using (var cache = new ScoreCache(Host(), Length, _ => store, _clock))
        {
            for (var row = 0; row < 20_000; row++)
            {
                Pass(cache, row);
                var values = new float[Length];
                Assert.IsTrue(cache.TryGet(Key(row), values));
                Assert.AreEqual(row, values[0]);
            }
            // 64 + 128 + ... + 4096 = 8128 rows, and two more of 4096.
            CollectionAssert.AreEqual(new[] { 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096 }, store.Files);
            Assert.AreEqual((20_000L, 20_000L), (cache.Found, cache.Kept));
        }
        Assert.AreEqual(20_000, store.Files.Sum());
    }

    [TestMethod]
    public void FewRowsWaitForAnHour()
    {
        var store = new CountingStore();
        using var cache = new ScoreCache(Host(), Length, _ => store, _clock);
        Pass(cache, 0);
        _clock.Elapsed += ScoreCache.LongestWait - TimeSpan.FromSeconds(1);
        Pass(cache, 1);
        Assert.IsEmpty(store.Files);
        _clock.Elapsed += TimeSpan.FromSeconds(1);
        Pass(cache, 1);
        CollectionAssert.AreEqual(new[] { 2 }, store.Files);
        Pass(cache, 2);
        Assert.HasCount(1, store.Files);
    }

    [TestMethod]
    public void SpaceIsAskedForOnceABatchAndByTheRowOnlyAtItsEnd()
    {
        var store = new CountingStore();
        var log = new LogLines(_ml);
        using var cache = new ScoreCache(Host(), Length, _ => store, _clock);
        Put(cache, 0, 100);
        Assert.AreEqual(1, store.Asked);
        store.RowsLeft = 30;
        Put(cache, 100, 50);
        Assert.AreEqual(1 + 1 + 31, store.Asked);
        Assert.AreEqual(130, cache.Kept);
        StringAssert.Contains(log.Warnings.Single(), "No more features are kept: it is full");

        Put(cache, 150, 50);
        Assert.AreEqual(33, store.Asked, "not asked again");
        Assert.IsTrue(cache.TryGet(Key(129), new float[Length]) && !cache.TryGet(Key(130), new float[Length]));
        cache.EndPass();
        CollectionAssert.AreEqual(new[] { 130 }, store.Files);
    }

    [TestMethod]
    public void WhatCannotBeReadAgainIsNotFound()
    {
        var store = new CountingStore { Reads = false };
        var log = new LogLines(_ml);
        using var cache = new ScoreCache(Host(), Length, _ => store, _clock);
        Put(cache, 0, 100);

        Assert.IsFalse(cache.TryGet(Key(9), new float[Length]));
        Assert.AreEqual(0, cache.Found);
        Assert.AreEqual("No more features are kept: the disk is broken", log.Warnings.Single());
        cache.EndPass();
        Assert.IsEmpty(store.Files, "nothing is left to complete");
    }

    private static void Pass(ScoreCache cache, int row)
    {
        Put(cache, row, 1);
        cache.EndPass();
    }

    private static void Put(ScoreCache cache, int from, int count) => cache.Put(
        [.. Enumerable.Range(0, count).Select(i => (Key(from + i), i))],
        [.. Enumerable.Range(0, count).SelectMany(i => Enumerable.Repeat((float)(from + i), Length))]);

    private static ContentHash Key(int row) => ContentHash.Of(BitConverter.GetBytes(row));

    private IHost Host() => ((IHostEnvironment)_ml).Register("test");

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Elapsed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Elapsed.Ticks;
    }

    private sealed class CountingStore : IFeatureStore
    {
        private readonly MemoryFeatureStore _rows = new(megabytes: 1000);
        private int _pending;

        public int RowsLeft { get; set; } = int.MaxValue;

        public bool Reads { get; init; } = true;

        public int Asked { get; private set; }

        /// <summary>Rows of each completion.</summary>
        public List<int> Files { get; } = [];

        public string? Refuse(long bytes)
        {
            Asked++;
            return bytes <= (long)RowsLeft * sizeof(float) * Length ? null : "it is full";
        }

        public bool Contains(ContentHash key) => _rows.Contains(key);

        public void Put(ContentHash key, ReadOnlySpan<byte> features)
        {
            _rows.Put(key, features);
            _pending++;
            RowsLeft--;
        }

        public void Complete()
        {
            Files.Add(_pending);
            _pending = 0;
        }

        public ReadOnlySpan<byte> Get(ContentHash key) =>
            Reads ? _rows.Get(key) : throw new FeatureStoreException("the disk is broken", new IOException());

        public void Dispose() => _rows.Dispose();
    }
}
