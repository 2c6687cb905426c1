using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Transforms;

/// <summary>ml.Transforms.AugmentImages among ML.NET's own transforms.</summary>
[TestClass]
public sealed class AugmentImagesTests
{
    private static readonly Augmentation s_mirror = Augmentation.HorizontalFlip(1);

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("Image")]
    [DataRow("ImagePath")]
    [DataRow("Bytes")]
    public void PicturesChangeForLaterEstimatorsAndStayAsTheyAreInScoring(string column)
    {
        var data = Data(SmallPictures.Take(2));
        var later = new FittedOn(_ml);
        var chain = Sources().Append(_ml.Transforms.AugmentImages("Augmented", column, s_mirror)).Append(later);

        using var model = chain.Fit(data);

        var originals = SeenImages.Of(Sources().Fit(data).Transform(data));
        var seen = SeenImages.Of(later.View!, "Augmented");
        CollectionAssert.AreEqual(originals.Select(image => Mirrored(image).Text).ToArray(), seen.Select(image => image.Text).ToArray());
        var scored = SeenImages.Of(model.Transform(data), "Augmented");
        CollectionAssert.AreEqual(originals.Select(image => image.Text).ToArray(), scored.Select(image => image.Text).ToArray());
    }

    [TestMethod]
    public void ARowHasTheSamePictureOnEveryCursorShuffledFilteredOrParallel()
    {
        var source = _ml.Data.Cache(SmallPictures.View(_ml, SmallPictures.Take(30))); // ML.NET shuffles what is in memory
        var view = Augmented(source, Augmentation.Strong, input: "ImagePath");
        var expected = SeenImages.ByRow(SeenImages.Of(view));
        Assert.HasCount(90, expected);

        Check(SeenImages.Of(view));
        using (var shuffled = view.GetRowCursor([view.Schema["Image"]], new Random(7)))
        {
            var seen = SeenImages.Read(shuffled);
            Assert.IsTrue(view.CanShuffle);
            CollectionAssert.AreNotEqual(expected.Keys.ToArray(), seen.Select(image => image.Row).ToArray(), "it was shuffled");
            Check(seen);
        }
        Check(SeenImages.Of(_ml.Data.SkipRows(view, 80)), 10);
        var parallel = view.GetRowCursorSet([view.Schema["Image"]], 3);
        var together = new List<SeenImage>();
        foreach (var cursor in parallel)
        {
            using (cursor)
                together.AddRange(SeenImages.Read(cursor));
        }
        Check(together);

        void Check(IReadOnlyCollection<SeenImage> seen, int count = 90)
        {
            Assert.HasCount(count, seen);
            foreach (var image in seen)
                Assert.AreEqual(expected[image.Row], image.Text, $"row {image.Row}");
        }
    }

    [TestMethod]
    public void AnotherSeedAndAnotherRowHaveOtherPicturesAndTheContextsSeedIsTheDefault()
    {
        var same = Enumerable.Repeat(SmallPictures.Take(1)[0], 4).ToArray();

        var first = Texts(_ml, seed: null);
        Assert.HasCount(4, first.Distinct().ToList(), "four rows of one picture");
        CollectionAssert.AreEqual(first, Texts(_ml, seed: 1));
        CollectionAssert.AreEqual(first, Texts(new MLContext(seed: 1), seed: null));
        CollectionAssert.AreNotEqual(first, Texts(_ml, seed: 2));
        CollectionAssert.AreEqual(Texts(_ml, seed: 0), Texts(new MLContext(), seed: null));

        string[] Texts(MLContext ml, int? seed) =>
            [.. SeenImages.Of(Augmented(Data(same), Augmentation.Standard, seed, ml)).Select(image => image.Text)];
    }

    [TestMethod]
    public void AColumnThatNobodyAsksForIsNotComputed()
    {
        Photo[] photos = [new() { Label = "dots", ImagePath = Path.Combine(SmallPictures.Folder, "missing.png") }];
        var view = Augmented(SmallPictures.View(_ml, photos), s_mirror, input: "ImagePath");

        CollectionAssert.AreEqual(new[] { "dots" }, view.GetColumn<string>("Label").ToArray());
        using var cursor = view.GetRowCursor([view.Schema["Label"]]);
        Assert.IsFalse(cursor.IsColumnActive(view.Schema["Image"]));
        Assert.IsTrue(cursor.MoveNext());
        Assert.ThrowsExactly<InvalidDataException>(() => SeenImages.Of(view));
    }

    [TestMethod]
    public void APredictionEngineSeesPicturesAsTheyAre()
    {
        var data = SmallPictures.View(_ml, SmallPictures.Take(3));
        using var model = _ml.Transforms.AugmentImages("Image", "ImagePath", s_mirror)
            .Append(_ml.Transforms.ResizeImages("Image", 16, 16))
            .Append(_ml.Transforms.ExtractPixels("Pixels", "Image"))
            .Fit(data);
        var expected = model.Transform(data).GetColumn<float[]>("Pixels").ToArray();
        using var engine = _ml.Model.CreatePredictionEngine<Photo, Pixels>(model, new PredictionEngineOptions { OwnsTransformer = false });

        var found = SmallPictures.Take(3).Select(photo => engine.Predict(photo).Values.ToArray()).ToArray();

        SmallTraining.AssertSameBits(expected, found);
        SmallTraining.AssertSameBits(expected, [.. Extracted(_ml.Transforms.LoadImages("Image", "", "ImagePath"), data)]);
    }

    [TestMethod]
    public void DrawnImagesAreDisposedAsTheCursorMovesAndTheUsersOwnAreNot()
    {
        var rows = SmallPictures.Take(2)
            .Select(photo => new ImageRow { Label = photo.Label, Image = MLImage.CreateFromFile(photo.ImagePath) }).ToArray();
        var view = Augmented(_ml.Data.LoadFromEnumerable(rows), Augmentation.Light);
        Assert.AreEqual(new Microsoft.ML.Transforms.Image.ImageDataViewType(48, 48), view.Schema["Image"].Type, "its size is known still");

        var drawn = new List<MLImage>();
        using (var cursor = view.GetRowCursor([view.Schema["Image"]]))
        {
            var next = cursor.GetGetter<MLImage>(view.Schema["Image"]);
            MLImage? image = null;
            while (cursor.MoveNext())
            {
                next(ref image!);
                drawn.Add(image);
                next(ref image!);
                drawn.Add(image);
            }
        }

        Assert.HasCount(12, drawn.Distinct().ToList());
        foreach (var image in drawn.SkipLast(1))
            Assert.ThrowsExactly<InvalidOperationException>(() => image.Width);
        Assert.AreEqual(48, drawn[^1].Width, "the last is the reader's");
        drawn[^1].Dispose();
        foreach (var row in rows)
        {
            Assert.AreEqual(48, row.Image!.Width, "still there");
            row.Image.Dispose();
        }
    }

    [TestMethod]
    public void AMissingPictureStaysMissing()
    {
        ImageRow[] rows = [new() { Label = "dots" }];
        var images = Augmented(_ml.Data.LoadFromEnumerable(rows), s_mirror);
        var paths = Augmented(SmallPictures.View(_ml, [new Photo { Label = "dots" }]), s_mirror, input: "ImagePath");
        var bytes = Augmented(_ml.Data.LoadFromEnumerable([new EveryForm { File = [] }]), s_mirror, input: "File");

        foreach (var view in new[] { images, paths, bytes })
            Assert.IsEmpty(SeenImages.Of(view).Single().Pixels);
    }

    [TestMethod]
    public void ABadPictureIsAnErrorInTrainingAndAMissingImageWithAWarningInScoring()
    {
        foreach (var (path, reason) in BadPictures.All.Where(bad => bad.Path.Length > 0))
        {
            var ml = new MLContext();
            var log = new LogLines(ml);
            var data = SmallPictures.View(ml, [SmallPictures.Take(1)[0], new Photo { Label = "dots", ImagePath = path }]);
            var later = new FittedOn(ml);
            using var model = ml.Transforms.AugmentImages("Image", "ImagePath", s_mirror).Append(later).Fit(data);

            var thrown = Assert.ThrowsExactly<InvalidDataException>(() => SeenImages.Of(later.View!));
            StringAssert.Contains(thrown.Message, "row 1");
            StringAssert.Contains(thrown.Message, path);
            StringAssert.Contains(thrown.Message, reason);

            var scored = SeenImages.Of(model.Transform(data));
            Assert.IsNotEmpty(scored[0].Pixels);
            Assert.IsEmpty(scored[1].Pixels);
            Assert.ContainsSingle(log.Warnings.Where(line => line.Contains(path, StringComparison.Ordinal)
                && line.Contains(reason, StringComparison.Ordinal)));
        }
    }

    [TestMethod]
    public void OfManyBadPicturesTheLogNamesTen()
    {
        var log = new LogLines(_ml);
        var bad = Path.Combine(SmallPictures.Folder, "missing.png");
        var data = SmallPictures.View(_ml, Enumerable.Repeat(new Photo { Label = "dots", ImagePath = bad }, 25));

        var seen = SeenImages.Of(_ml.Transforms.AugmentImages("Image", "ImagePath").Fit(data).Transform(data));

        Assert.HasCount(25, seen);
        Assert.HasCount(10, log.Warnings);
        StringAssert.Contains(log.Warnings[9], "not named");
    }

    [TestMethod]
    public void FilesAreTurnedUprightAndRelativePathsBeginInTheFolder()
    {
        var folder = SmallPictures.NewFolder();
        var pixels = FormulaPicture.Pixels(40, 24);
        var jpeg = WithOrientation(FormulaPicture.Encode(pixels, 40, 24, SKEncodedImageFormat.Jpeg), 6);
        File.WriteAllBytes(Path.Combine(folder, "turned.jpg"), jpeg);
        var data = SmallPictures.View(_ml, [new Photo { Label = "dots", ImagePath = "turned.jpg" }]);

        var model = _ml.Transforms.AugmentImages("Image", "ImagePath", imageFolder: folder).Fit(data);
        var seen = SeenImages.Of(model.Transform(data)).Single();

        Assert.AreEqual((24, 40), (seen.Width, seen.Height));
        // Turned to the right: the left lower corner comes to the upper left.
        using var stored = SKBitmap.Decode(FormulaPicture.Encode(pixels, 40, 24, SKEncodedImageFormat.Jpeg));
        var corner = stored.GetPixel(0, 23);
        CollectionAssert.AreEqual(new[] { corner.Red, corner.Green, corner.Blue }, seen.Pixels[..3]);
    }

    [TestMethod]
    public void AColumnsAnnotationsPassThroughAndOthersAreLeftAlone()
    {
        var data = SmallTraining.WithKeys(_ml, Data(SmallPictures.Take(1)));
        var estimator = _ml.Transforms.AugmentImages("Image", augmentation: s_mirror);
        var scored = estimator.Fit(data).Transform(data);

        var names = new VBuffer<ReadOnlyMemory<char>>();
        scored.Schema["Label"].GetKeyValues(ref names);
        CollectionAssert.AreEqual(SmallPictures.Classes, names.DenseValues().Select(name => name.ToString()).ToArray());
        Assert.AreEqual(estimator.Fit(data).GetOutputSchema(data.Schema).ToString(), scored.Schema.ToString());
    }

    [TestMethod]
    public void WhatMixesABatchIsRefused()
    {
        foreach (var mixing in new[] { Augmentation.MixUp(), Augmentation.Sequence(Augmentation.Light, Augmentation.CutMix()) })
        {
            var thrown = Assert.ThrowsExactly<ArgumentException>(() => _ml.Transforms.AugmentImages("Image", augmentation: mixing));
            StringAssert.Contains(thrown.Message, "others of its batch");
            StringAssert.Contains(thrown.Message, "FineTuneImages");
            Assert.ThrowsExactly<ArgumentException>(() => _ml.Data.Augment(Data(SmallPictures.Take(1)), 1, mixing));
        }
    }

    [TestMethod]
    public void WrongColumnsAreNamedBeforeAnythingIsRead()
    {
        var data = Data(SmallPictures.Take(1));

        var missing = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.Transforms.AugmentImages("Picture").Fit(data));
        StringAssert.Contains(missing.Message, "'Picture'");
        var numbers = _ml.Data.LoadFromEnumerable([new Pixels()]);
        var wrong = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.Transforms.AugmentImages("Image", "Pixels").Fit(numbers));
        StringAssert.Contains(wrong.Message, "'Pixels'");
        StringAssert.Contains(wrong.Message, "Image");
        Assert.Throws<ArgumentException>(() => _ml.Transforms.AugmentImages(" "));
        var folder = Assert.Throws<ArgumentException>(() => _ml.Transforms.AugmentImages("Image", imageFolder: "photos").Fit(data));
        StringAssert.Contains(folder.Message, "holds pictures, not paths");
    }

    [TestMethod]
    public void ItIsSavedAndLoadedAndDoesNothingThere()
    {
        var data = Data(SmallPictures.Take(2));
        using var model = _ml.Transforms.AugmentImages("Augmented", "Image", Augmentation.Strong)
            .Append(_ml.Transforms.CopyColumns("Again", "Label")).Fit(data);

        var loaded = new MLContext().Model.Load(new MemoryStream(SmallTraining.Save(_ml, model, data.Schema)), out _);

        CollectionAssert.AreEqual(
            SeenImages.Of(data).Select(image => image.Text).ToArray(),
            SeenImages.Of(loaded.Transform(data), "Augmented").Select(image => image.Text).ToArray());
        // Fitted again around the loaded transformer, it has nothing to augment with.
        Assert.IsInstanceOfType<IEnumerable<ITransformer>>(loaded);
    }

    [TestMethod]
    public void MlNetSkipsTheHookInAChainWithinAChain()
    {
        var data = Data(SmallPictures.Take(1));
        var (flat, nested) = (new FittedOn(_ml), new FittedOn(_ml));
        var augment = _ml.Transforms.AugmentImages("Image", augmentation: s_mirror);

        _ml.Transforms.CopyColumns("A", "Label").Append(augment).Append(flat).Fit(data).Dispose();
        _ml.Transforms.CopyColumns("A", "Label").Append(_ml.Transforms.CopyColumns("B", "Label").Append(augment)).Append(nested).Fit(data)
            .Dispose();

        var originals = SeenImages.Of(data).Select(image => image.Text).ToArray();
        CollectionAssert.AreNotEqual(originals, SeenImages.Of(flat.View!).Select(image => image.Text).ToArray());
        CollectionAssert.AreEqual(originals, SeenImages.Of(nested.View!).Select(image => image.Text).ToArray());
    }

    [TestMethod]
    public void ACacheAfterItKeepsOneDrawAndNoImage()
    {
        var data = Data(SmallPictures.Take(2));
        var later = new FittedOn(_ml);
        _ml.Transforms.AugmentImages("Image", augmentation: Augmentation.Light)
            .Append(_ml.Transforms.ResizeImages("Image", 48, 48))
            .Append(_ml.Transforms.ExtractPixels("Pixels", "Image"))
            .AppendCacheCheckpoint(_ml)
            .Append(later).Fit(data).Dispose();

        Assert.IsNull(later.View!.Schema.GetColumnOrNull("Image"));
        SmallTraining.AssertSameBits(
            [.. later.View.GetColumn<float[]>("Pixels")], [.. later.View.GetColumn<float[]>("Pixels")]);
        CollectionAssert.AreNotEqual(
            later.View.GetColumn<float[]>("Pixels").First(),
            Extracted(_ml.Transforms.CopyColumns("Copied", "Label"), data).First(), "it is an augmented one");
    }

    [TestMethod]
    public void ErasingActsOnSinglePicturesToo()
    {
        var view = Augmented(Data(SmallPictures.Take(4)), Augmentation.RandomErasing(1, minimumArea: 0.2f, maximumArea: 0.3f));
        var originals = SeenImages.Of(Data(SmallPictures.Take(4)));

        foreach (var (original, erased) in originals.Zip(SeenImages.Of(view)))
        {
            var changed = Enumerable.Range(0, 48 * 48)
                .Where(i => !original.Pixels.AsSpan(3 * i, 3).SequenceEqual(erased.Pixels.AsSpan(3 * i, 3))).ToList();
            Assert.IsTrue(changed.Count is > 400 and < 720, $"{changed.Count} pixels of 2304");
            foreach (var i in changed)
                CollectionAssert.AreEqual(new byte[] { 124, 116, 104 }, erased.Pixels[(3 * i)..(3 * i + 3)], "ImageNet's mean");
        }
    }

    private static SeenImage Mirrored(SeenImage image)
    {
        var pixels = new byte[image.Pixels.Length];
        for (var i = 0; i < image.Width * image.Height; i++)
        {
            var (x, y) = (i % image.Width, i / image.Width);
            image.Pixels.AsSpan(3 * i, 3).CopyTo(pixels.AsSpan(3 * (y * image.Width + image.Width - 1 - x)));
        }
        return image with { Pixels = pixels };
    }

    private IEnumerable<float[]> Extracted(IEstimator<ITransformer> first, IDataView data) => first
        .Append(_ml.Transforms.ResizeImages("Image", data.Schema.GetColumnOrNull("Image") is null ? 16 : 48,
            data.Schema.GetColumnOrNull("Image") is null ? 16 : 48))
        .Append(_ml.Transforms.ExtractPixels("Pixels", "Image")).Fit(data).Transform(data).GetColumn<float[]>("Pixels");

    // Images and bytes beside the paths.
    private EstimatorChain<ITransformer> Sources() => _ml.Transforms.LoadImages("Image", "", "ImagePath")
        .Append<ITransformer>(_ml.Transforms.LoadRawImageBytes("Bytes", "", "ImagePath"));

    private IDataView Data(IEnumerable<Photo> photos)
    {
        var view = SmallPictures.View(_ml, photos);
        return _ml.Transforms.LoadImages("Image", "", "ImagePath").Fit(view).Transform(view);
    }

    private IDataView Augmented(
        IDataView data, Augmentation augmentation, int? seed = null, MLContext? ml = null, string input = "Image")
    {
        var context = ml ?? _ml;
        var later = new FittedOn(context);
        context.Transforms.AugmentImages("Image", input, augmentation, seed).Append(later).Fit(data).Dispose();
        return later.View!;
    }

    private static byte[] WithOrientation(byte[] jpeg, int orientation)
    {
        byte[] exif =
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0,
            0, 0, 0, 0,
        ];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }

    private sealed class Pixels
    {
        [ColumnName("Pixels")]
        [VectorType(16 * 16 * 3)]
        public float[] Values { get; set; } = new float[16 * 16 * 3];
    }
}
