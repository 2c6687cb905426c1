using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Search;

[TestClass]
public sealed class ImageIndexTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(40, 3)] // one block, one thread
    [DataRow(3000, 512)] // several blocks and threads
    public void ASearchFindsWhatPlainArithmeticFinds(int rows, int dimension)
    {
        var random = new Random(5);
        var vectors = Enumerable.Range(0, rows).Select(_ => Vector(random, dimension)).ToArray();
        var index = new ImageIndex(dimension);
        foreach (var (row, vector) in vectors.Index())
            index.Add(Key(row), vector);
        var wanted = Vector(random, dimension);

        var found = index.Search(wanted, 7);

        var expected = vectors.Index().Select(row => (Key: Key(row.Index), Cosine: Cosine(row.Item, wanted)))
            .OrderByDescending(row => row.Cosine).Take(7).ToList();
        CollectionAssert.AreEqual(expected.Select(row => row.Key).ToList(), found.Select(match => match.Key).ToList());
        foreach (var (one, match) in expected.Zip(found))
            Assert.AreEqual(one.Cosine, match.Similarity, 1e-6);
    }

    [TestMethod]
    public void OfEqualRowsTheFirstKeysAreFound()
    {
        var index = new ImageIndex(2);
        foreach (var key in new[] { "d", "b", "a", "c" })
            index.Add(key, [3, 4]);

        CollectionAssert.AreEqual(
            new[] { new ImageIndex.Match("a", 1), new ImageIndex.Match("b", 1) },
            index.Search([30, 40], 2).Select(match => match with { Similarity = MathF.Round(match.Similarity, 6) }).ToList());
    }

    [TestMethod]
    public void TheLengthOfAVectorDoesNotMatterHoweverLargeOrSmall()
    {
        var index = new ImageIndex(2);
        index.Add("large", [3e30f, 4e30f]);
        index.Add("small", [-3e-30f, 4e-30f]);

        var found = index.Search([3e-20f, 4e-20f]);

        Assert.AreEqual(1, found[0].Similarity, 1e-6);
        Assert.AreEqual((16 - 9) / 25f, found[1].Similarity, 1e-6);
    }

    [TestMethod]
    public void WhatIsRemovedIsNotFoundAndItsKeyIsFree()
    {
        var random = new Random(6);
        var vectors = Enumerable.Range(0, 500).Select(row => (Key: Key(row), Vector: Vector(random, 1000))).ToList(); // two blocks
        var index = new ImageIndex(1000);
        foreach (var (key, vector) in vectors)
            index.Add(key, vector);

        foreach (var (key, _) in vectors.Where((_, row) => row % 3 != 1))
            Assert.IsTrue(index.Remove(key));

        Assert.AreEqual(vectors.Count(row => index.Contains(row.Key)), index.Count);
        Assert.IsFalse(index.Remove(Key(0)), "it was removed before");
        foreach (var (key, vector) in vectors)
        {
            var isThere = index.Search(vector, 1)[0].Similarity > 0.999f;
            Assert.AreEqual(int.Parse(key[4..], null) % 3 == 1, isThere, key);
        }
        index.Add(Key(0), vectors[0].Vector);
        Assert.AreEqual(Key(0), index.Search(vectors[0].Vector, 1)[0].Key);
    }

    [TestMethod]
    public void AnEmptyIndexFindsNothing()
    {
        var index = new ImageIndex(2);
        Assert.IsEmpty(index.Search([1, 0]));
    }

    [TestMethod]
    public void ASavedIndexIsTheSame()
    {
        using var folder = new Folder();
        var random = new Random(7);
        var index = new ImageIndex(300);
        for (var row = 0; row < 2000; row++)
            index.Add($"é {row}", Vector(random, 300));
        var wanted = Vector(random, 300);

        index.Save(folder.File("pictures.index"));
        var loaded = ImageIndex.Load(folder.File("pictures.index"));

        Assert.AreEqual(index.Count, loaded.Count);
        CollectionAssert.AreEqual(index.Search(wanted).ToList(), loaded.Search(wanted).ToList());
        Assert.IsTrue(loaded.Remove("é 1999"));
    }

    [TestMethod]
    public void ADamagedFileIsRefusedAndSaysWhy()
    {
        using var folder = new Folder();
        var path = folder.File("pictures.index");
        var index = new ImageIndex(2);
        index.Add("a", [1, 0]);
        index.Add("b", [0, 1]);
        index.Save(path);
        var whole = File.ReadAllBytes(path);

        for (var at = 0; at < whole.Length; at++)
        {
            var bytes = (byte[])whole.Clone();
            bytes[at] ^= 0x40;
            File.WriteAllBytes(path, bytes);
            Assert.Contains("is not a whole image index", Assert.ThrowsExactly<InvalidDataException>(() => ImageIndex.Load(path)).Message);
        }
        for (var length = 1; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.ThrowsExactly<InvalidDataException>(() => ImageIndex.Load(path));
        }
        File.WriteAllBytes(path, [.. whole, 0]);
        Assert.Contains("does not fit its length", Assert.ThrowsExactly<InvalidDataException>(() => ImageIndex.Load(path)).Message);
        File.WriteAllBytes(path, []);
        Assert.Contains("the file is empty", Assert.ThrowsExactly<InvalidDataException>(() => ImageIndex.Load(path)).Message);
    }

    [TestMethod]
    public void WhatCannotBeAddedOrSearchedIsRefused()
    {
        var index = new ImageIndex(2);
        index.Add("a", [1, 0]);

        Assert.Contains("has a row of key 'a' already", Assert.ThrowsExactly<ArgumentException>(() => index.Add("a", [0, 1])).Message);
        Assert.Contains("has 3 numbers", Assert.ThrowsExactly<ArgumentException>(() => index.Add("b", [0, 1, 2])).Message);
        Assert.Contains("has no direction", Assert.ThrowsExactly<ArgumentException>(() => index.Add("b", [0, 0])).Message);
        Assert.Contains("has no direction", Assert.ThrowsExactly<ArgumentException>(() => index.Search([0, float.NaN])).Message);
        Assert.Contains(
            "has no direction", Assert.ThrowsExactly<ArgumentException>(() => index.Search([0, float.NegativeInfinity])).Message);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => index.Search([1, 0], 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ImageIndex(0));
        Assert.Contains("not valid Unicode", Assert.ThrowsExactly<ArgumentException>(() => index.Add("a\ud800", [0, 1])).Message);
        Assert.AreEqual(1, index.Count);
    }

    [TestMethod]
    public void RowsAreReadAndReplaced()
    {
        var index = new ImageIndex(2);
        index.Add("a", [3, 4]);
        index.Set("b", [0, 5]);
        index.Set("a", [5, 0]);

        CollectionAssert.AreEquivalent(new[] { "a", "b" }, index.Keys.ToArray());
        Assert.IsTrue(index.TryGet("a", out var features));
        CollectionAssert.AreEqual(new[] { 1f, 0 }, features);
        Assert.IsFalse(index.TryGet("c", out _));
        Assert.AreEqual(new ImageIndex.Match("a", 1), index.Search([1, 0], 1)[0]);
    }

    [TestMethod]
    public void ItIsBuiltFromADataViewAndRowsWithoutFeaturesAreNamed()
    {
        var log = new LogLines(_ml);
        var data = _ml.Data.LoadFromEnumerable<Row>(
        [
            new() { ImagePath = "a.jpg", Features = [1, 0] },
            new() { ImagePath = "torn.jpg", Features = [float.NaN, float.NaN] },
            new() { ImagePath = "b.jpg", Features = [1, 1] },
        ]);

        var index = _ml.FineTuning.BuildImageIndex(data);

        Assert.AreEqual(2, index.Count);
        Assert.AreEqual("b.jpg", index.Search([0, 1], 1)[0].Key);
        Assert.Contains("torn.jpg", log.Warnings.Single());
    }

    [TestMethod]
    public void DataThatCannotBeIndexedAreRefused()
    {
        var twice = _ml.Data.LoadFromEnumerable<Row>(
            [new() { ImagePath = "a.jpg", Features = [1, 0] }, new() { ImagePath = "a.jpg", Features = [0, 1] }]);
        var none = _ml.Data.LoadFromEnumerable<Row>([new() { ImagePath = "a.jpg", Features = [0, 0] }]);

        Assert.Contains(
            "Two rows have 'a.jpg'", Assert.ThrowsExactly<InvalidOperationException>(() => _ml.FineTuning.BuildImageIndex(twice)).Message);
        Assert.Contains(
            "nothing to index", Assert.ThrowsExactly<InvalidOperationException>(() => _ml.FineTuning.BuildImageIndex(none)).Message);
        Assert.Contains(
            "Vector<Single> of known size",
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(
                () => _ml.FineTuning.BuildImageIndex(none, featuresColumnName: "ImagePath")).Message);
    }

    [TestMethod]
    [DataRow(64)]
    [DataRow(20_000)] // enough numbers that a search has several threads
    public void SearchesAndChangesMayComeFromSeveralThreads(int dimension)
    {
        var index = new ImageIndex(dimension);
        index.Add("first", Vector(new Random(1), dimension));
        Parallel.For(0, 200, row =>
        {
            var vector = Vector(new Random(row + 10), dimension);
            index.Add(Key(row), vector);
            Assert.AreEqual(Key(row), index.Search(vector, 1)[0].Key);
            if (row % 2 == 0)
                Assert.IsTrue(index.Remove(Key(row)));
        });
        Assert.AreEqual(101, index.Count);
    }

    private static string Key(int row) => $"row {row:0000}";

    private static float[] Vector(Random random, int dimension) =>
        [.. Enumerable.Range(0, dimension).Select(_ => random.NextSingle() * 2 - 1)];

    private static double Cosine(float[] a, float[] b) =>
        a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(x => (double)x * x));

    private sealed class Row
    {
        public string ImagePath { get; set; } = "";

        [VectorType(2)]
        public float[] Features { get; set; } = [];
    }
}
