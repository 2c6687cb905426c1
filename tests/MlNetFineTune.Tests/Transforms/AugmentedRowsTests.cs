using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>ml.Data.Augment: more rows for any trainer.</summary>
[TestClass]
public sealed class AugmentedRowsTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TheRowsAsTheyAreComeFirstAndThenEachCopyWithPicturesOfItsOwn()
    {
        var data = Data(4);
        var larger = _ml.Data.Augment(data, copies: 3, Augmentation.Strong);

        var seen = SeenImages.Of(larger).Select(image => image.Text).ToArray();
        var labels = larger.GetColumn<string>("Label").ToArray();

        Assert.HasCount(4 * 12, seen);
        Assert.AreEqual(48L, larger.GetRowCount());
        CollectionAssert.AreEqual(SeenImages.Of(data).Select(image => image.Text).ToArray(), seen[..12]);
        for (var row = 0; row < 12; row++)
            Assert.HasCount(4, Enumerable.Range(0, 4).Select(copy => seen[copy * 12 + row]).Distinct().ToList(), $"row {row}");
        for (var row = 0; row < 48; row++)
            Assert.AreEqual(labels[row % 12], labels[row]);
        CollectionAssert.AreEqual(seen, SeenImages.Of(larger).Select(image => image.Text).ToArray(), "the same again");
        CollectionAssert.AreEqual(
            Enumerable.Range(0, 48).Select(row => (ulong)(row % 12)).ToArray(), larger.GetColumn<ulong>("OriginalRow").ToArray());
        using var cursor = larger.GetRowCursor([larger.Schema["Label"]]);
        var (next, ids) = (cursor.GetIdGetter(), new HashSet<DataViewRowId>());
        while (cursor.MoveNext())
        {
            DataViewRowId id = default;
            next(ref id);
            Assert.IsTrue(ids.Add(id), "every row has an id of its own");
        }
    }

    [TestMethod]
    public void ItsCopiesAreWhatAugmentImagesDrawsPassByPass()
    {
        var data = Data(2);
        var later = new FittedOn(_ml);
        _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Standard, seed: 4).Append(later).Fit(data).Dispose();

        var copies = _ml.Data.Augment(data, copies: 1, Augmentation.Standard, keepOriginals: false, seed: 4);

        CollectionAssert.AreEqual(
            SeenImages.Of(later.View!).Select(image => image.Text).ToArray(), SeenImages.Of(copies).Select(image => image.Text).ToArray());
    }

    [TestMethod]
    public void NothingIsReadBeforeACursorAsks()
    {
        var source = new CountingView(SmallPictures.View(_ml, SmallPictures.Take(2)));
        var larger = _ml.Data.Augment(source, copies: 2, Augmentation.Light, inputColumnName: "ImagePath");
        Assert.AreEqual(0, source.Cursors);

        Assert.HasCount(18, larger.GetColumn<string>("Label").ToList());
        Assert.AreEqual(3, source.Cursors, "once a pass");
        Assert.HasCount(18, SeenImages.Of(larger));
    }

    [TestMethod]
    public void ShuffledItHasTheSameRows()
    {
        var source = _ml.Data.Cache(SmallPictures.View(_ml, SmallPictures.Take(5))); // ML.NET shuffles what is in memory
        var larger = _ml.Data.Augment(source, copies: 2, Augmentation.Light, inputColumnName: "ImagePath");
        Assert.IsTrue(larger.CanShuffle);
        var inOrder = SeenImages.Of(larger).Select(image => image.Text).ToList();

        using var cursor = larger.GetRowCursor([larger.Schema["Image"]], new Random(3));
        var shuffled = SeenImages.Read(cursor).Select(image => image.Text).ToList();

        CollectionAssert.AreNotEqual(inOrder, shuffled);
        CollectionAssert.AreEquivalent(inOrder, shuffled);
    }

    // ML.NET's AppendRows can shuffle only views that it can shuffle and whose rows are counted when they are joined.
    [TestMethod]
    public void RowsOfATextFileAreMixedOnlyAfterACache()
    {
        var file = Path.Combine(SmallPictures.NewFolder(), "photos.tsv");
        File.WriteAllLines(file, SmallPictures.Take(4).Select(photo => $"{photo.Label}\t{photo.ImagePath}"));
        var text = _ml.Data.LoadFromTextFile(
            file, [new TextLoader.Column("Label", DataKind.String, 0), new TextLoader.Column("ImagePath", DataKind.String, 1)]);
        IDataView Larger(IDataView data) => _ml.Data.Augment(data, copies: 1, Augmentation.Light, inputColumnName: "ImagePath");

        Assert.IsFalse(Larger(text).CanShuffle);
        var cached = _ml.Data.Cache(text); // named columns would be read at once, on another thread
        Assert.IsFalse(Larger(cached).CanShuffle, "its rows are not counted yet");
        Assert.HasCount(12, cached.GetColumn<string>("Label").ToList());
        Assert.IsTrue(Larger(cached).CanShuffle);
        Assert.IsTrue(_ml.Data.Cache(Larger(text), "OriginalRow").CanShuffle, "a cache after it");
    }

    [TestMethod]
    public void ASplitByTheGroupKeepsARowAndItsCopiesTogether()
    {
        var larger = _ml.Data.Augment(Data(20), copies: 2, Augmentation.Light);

        var split = _ml.Data.TrainTestSplit(larger, testFraction: 0.3, samplingKeyColumnName: "OriginalRow");
        CheckApart(split.TrainSet, split.TestSet);
        Assert.IsTrue(Groups(split.TestSet).Distinct().Count() is > 6 and < 36);
        foreach (var fold in _ml.Data.CrossValidationSplit(larger, numberOfFolds: 4, samplingKeyColumnName: "OriginalRow"))
            CheckApart(fold.TrainSet, fold.TestSet);

        void CheckApart(IDataView train, IDataView test)
        {
            Assert.IsEmpty(Groups(train).Intersect(Groups(test)));
            foreach (var group in Groups(train).Concat(Groups(test)).GroupBy(number => number))
                Assert.HasCount(3, group.ToList());
        }

        static ulong[] Groups(IDataView view) => [.. view.GetColumn<ulong>("OriginalRow")];
    }

    [TestMethod]
    public void OurTrainersValidationKeepsThemTogetherToo()
    {
        var larger = SmallTraining.WithKeys(_ml, _ml.Data.Augment(Data(5), copies: 1, Augmentation.Light));

        using var model = _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with
        {
            ImageColumnName = "Image",
            Epochs = 1,
            Validation = ValidationData.Fraction(0.3f, "OriginalRow"),
        }).Fit(larger);

        Assert.IsNotNull(model.Report!.Epochs[0].ValidationLoss);
    }

    [TestMethod]
    public void AStockTrainerLearnsItsRows()
    {
        var photos = SmallPictures.View(_ml, SmallPictures.Take(6));
        var train = _ml.Data.Augment(photos, copies: 2, Augmentation.Light, inputColumnName: "ImagePath");
        // Scoring reads the column of images from the paths, as the copies did.
        var images = _ml.Transforms.AugmentImages("Image", "ImagePath", Augmentation.None).Fit(photos);
        using var model = _ml.Transforms.ResizeImages("Image", 16, 16)
            .Append(_ml.Transforms.ExtractPixels("Features", "Image", scaleImage: 1 / 255f))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .AppendCacheCheckpoint(_ml) // or every pass draws the pictures again
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(
                l2Regularization: 1e-4f, l1Regularization: 0, maximumNumberOfIterations: 200))
            .Fit(train);

        var metrics = _ml.MulticlassClassification.Evaluate(model.Transform(images.Transform(photos)));

        Assert.IsGreaterThan(0.8, metrics.MicroAccuracy);
    }

    [TestMethod]
    public void WhatMakesNoSenseIsRefused()
    {
        var data = Data(1);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.Augment(data, 0, Augmentation.Light));
        var taken = Assert.ThrowsExactly<ArgumentException>(
            () => _ml.Data.Augment(data, 1, Augmentation.Light, groupColumnName: "Label"));
        StringAssert.Contains(taken.Message, "'Label'");
        Assert.ThrowsExactly<ArgumentException>(() => _ml.Data.Augment(data, 1, Augmentation.Light, groupColumnName: "Image"));
        Assert.ThrowsExactly<ArgumentNullException>(() => _ml.Data.Augment(data, 1, null!));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Data.Augment(data, 1, Augmentation.Light, "Picture"));
    }

    [TestMethod]
    public void ABadPictureIsAnErrorAlsoAmongTheRowsAsTheyAre()
    {
        var bad = Path.Combine(SmallPictures.Folder, "missing.png");
        var data = SmallPictures.View(_ml, [new Photo { Label = "dots", ImagePath = bad }]);
        var larger = _ml.Data.Augment(data, 1, Augmentation.Light, inputColumnName: "ImagePath");

        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => SeenImages.Of(larger)).Message, "there is no such file");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ImagesInMemoryAreNotDisposed(bool shuffled)
    {
        var rows = ImageRows();
        var larger = _ml.Data.Augment(new ShufflingView(_ml, rows), copies: 2, Augmentation.Light);
        Assert.IsTrue(larger.CanShuffle);

        for (var pass = 0; pass < 3; pass++)
        {
            using var cursor = larger.GetRowCursor([larger.Schema["Image"]], shuffled ? new Random(pass) : null);
            Assert.HasCount(3 * rows.Length, SeenImages.Read(cursor)); // with one variable
        }

        DisposeOwn(rows);
    }

    [TestMethod]
    public void AStockChainWithoutACacheDoesNotDisposeThemEither()
    {
        var rows = ImageRows();
        var larger = _ml.Data.Augment(new ShufflingView(_ml, rows), copies: 1, Augmentation.Light);

        using var model = _ml.Transforms.ResizeImages("Image", 8, 8)
            .Append(_ml.Transforms.ExtractPixels("Features", "Image", scaleImage: 1 / 255f))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Label"))
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy(maximumNumberOfIterations: 3))
            .Fit(larger);

        DisposeOwn(rows);
    }

    [TestMethod]
    public void RowsThatAreAsTheyAreHaveCopiesOfTheirOwn()
    {
        var rows = ImageRows();
        var larger = _ml.Data.Augment(_ml.Data.LoadFromEnumerable(rows), copies: 1, Augmentation.Light);
        using var cursor = larger.GetRowCursor([larger.Schema["Image"]]);
        var next = cursor.GetGetter<MLImage>(larger.Schema["Image"]);
        Assert.IsTrue(cursor.MoveNext());
        MLImage? image = null;

        rows[0].Image!.Tag = "first";
        next(ref image!);

        Assert.AreNotSame(rows[0].Image, image);
        Assert.AreEqual("first", image.Tag);
        Assert.AreEqual(SeenImages.Copy(0, rows[0].Image!).Text, SeenImages.Copy(0, image).Text);
        image.Dispose();
        DisposeOwn(rows);
    }

    private static ImageRow[] ImageRows() => [.. SmallPictures.Take(4)
        .Select(photo => new ImageRow { Label = photo.Label, Image = MLImage.CreateFromFile(photo.ImagePath) })];

    private static void DisposeOwn(ImageRow[] rows)
    {
        foreach (var row in rows)
        {
            Assert.AreEqual(48, row.Image!.Width, "still there");
            row.Image.Dispose();
        }
    }

    // LoadFromEnumerable's own view cannot be shuffled, and a cache keeps no images.
    private sealed class ShufflingView(MLContext ml, ImageRow[] rows) : IDataView
    {
        private readonly IDataView _inOrder = ml.Data.LoadFromEnumerable(rows);

        public DataViewSchema Schema => _inOrder.Schema;

        public bool CanShuffle => true;

        public long? GetRowCount() => rows.Length;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        {
            if (rand is null)
                return _inOrder.GetRowCursor(columnsNeeded);
            var shuffled = rows.ToArray();
            rand.Shuffle(shuffled);
            return ml.Data.LoadFromEnumerable(shuffled, Schema).GetRowCursor(columnsNeeded);
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) =>
            [GetRowCursor(columnsNeeded, rand)];
    }

    private IDataView Data(int perClass)
    {
        var view = SmallPictures.View(_ml, SmallPictures.Take(perClass));
        return _ml.Transforms.LoadImages("Image", "", "ImagePath").Fit(view).Transform(view);
    }
}
