using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>A picture is the same picture from whatever kind of column it comes.</summary>
[TestClass]
public sealed class PictureSourcesTests
{
    private static readonly EveryForm[] s_rows = PictureSources.Rows(perClass: 5);
    private readonly MLContext _ml = new();

    public static IEnumerable<object[]> Sources => PictureSources.Names;

    [TestMethod]
    [DynamicData(nameof(Sources))]
    public void EverySourceTrainsTheSameWeightsWithOneWorkerAndWithEight(string column)
    {
        var options = PictureSources.Options(column) with { Augmentation = Augmentation.Light, Validation = ValidationData.Fraction(0.2f) };
        using var expected = Fit(PictureSources.Options(
            nameof(EveryForm.ImagePath)) with
        {
            Augmentation = Augmentation.Light,
            Validation = ValidationData.Fraction(0.2f),
            Workers = 2
        });
        using var one = Fit(options with { Workers = 1 });
        using var eight = Fit(options with { Workers = 8 });

        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(one));
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(eight));
    }

    [TestMethod]
    [DynamicData(nameof(Sources))]
    public void EverySourceScoresTheSameInTransformAndInAPredictionEngineAlsoAfterSaving(string column)
    {
        using var reference = Fit(PictureSources.Options(nameof(EveryForm.ImagePath)));
        var expected = SmallTraining.Scores(reference.Transform(View()));
        using var trained = Fit(PictureSources.Options(column));
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, trained)), out _);
        foreach (var model in (FineTuningTransformer[])[trained, loaded])
        {
            SmallTraining.AssertSameBits(expected, SmallTraining.Scores(model.Transform(View())));
            using var engine = _ml.Model.CreatePredictionEngine<EveryForm, Scored>(
                model, new PredictionEngineOptions { OwnsTransformer = false });
            SmallTraining.AssertClose(expected, [.. s_rows.Select(row => engine.Predict(row).Score)]);
        }
    }

    [TestMethod]
    public void LoadRawImageBytesAndExtractPixelsOfMlNetAreSourcesToo()
    {
        using var expected = Fit(PictureSources.Options(nameof(EveryForm.ImagePath)));
        var bytes = _ml.Transforms.LoadRawImageBytes("Bytes", imageFolder: "", nameof(EveryForm.ImagePath)).Fit(View()).Transform(View());
        using var ofBytes = Fit(SmallTraining.Options with { ImageColumnName = "Bytes" }, bytes);
        CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(ofBytes));

        // ExtractPixels must know the images' size; ours are of 48 pixels already, so that nothing is resampled.
        // It disposes what it has read.
        var images = _ml.Transforms.LoadImages("Loaded", imageFolder: "", nameof(EveryForm.ImagePath))
            .Append(_ml.Transforms.ResizeImages("Loaded", 48, 48)).Fit(View()).Transform(View());
        var planar = RawPixels.Planar(48, 48);
        foreach (var (
            interleaved, asFloats, pixels) in new[] { (false, true, planar), (false, false, planar),
            (true, true, planar with { Layout = RawPixels.PixelLayout.Interleaved }), (false, true, planar with { White = 0.5f }) })
        {
            var extract = _ml.Transforms.ExtractPixels(
                "Pixels", "Loaded", interleavePixelColors: interleaved, outputAsFloatArray: asFloats, scaleImage: pixels.White / 255);
            using var ofPixels = Fit(SmallTraining.Options with { ImageColumnName = "Pixels", RawPixels = pixels },
                extract.Fit(images).Transform(images));
            CollectionAssert.AreEqual(SmallTraining.WeightsOf(expected), SmallTraining.WeightsOf(ofPixels),
                $"{pixels}, floats: {asFloats}");
        }
    }

    [TestMethod]
    public void GrayPixelsAreThreeEqualColoursAndSparseVectorsAreFilled()
    {
        var gray = RawPixels.Interleaved(48, 48, RawPixels.PixelChannels.Gray);
        var ramp = Enumerable.Range(0, 48 * 48).Select(i => (byte)(i % 48 < 24 ? 0 : i % 251)).ToArray();
        var tripled = ramp.SelectMany(value => (byte[])[value, value, value]).ToArray();
        var expected = Encode(
            nameof(EveryForm.Interleaved), RawPixels.Interleaved(48, 48),
            _ml.Data.LoadFromEnumerable([new EveryForm { Interleaved = tripled }]));

        CollectionAssert.AreEqual(expected, Encode("Gray", gray, _ml.Data.LoadFromEnumerable([new GrayRow { Gray = ramp }])));
        var (indices, values) = (Enumerable.Range(0, ramp.Length).Where(i => ramp[i] != 0).ToArray(),
            ramp.Where(value => value != 0).ToArray());
        CollectionAssert.AreEqual(expected,
            Encode(
                "Gray", gray, _ml.Data.LoadFromEnumerable(
                [new SparseRow { Gray = new VBuffer<byte>(ramp.Length, values.Length, values, indices) }])));
    }

    [TestMethod]
    [DynamicData(nameof(Sources))]
    public void ASourceThatThrowsAndACancellationInTheMiddleEndTheTrainingAndLeaveNoFile(string column)
    {
        _ml.TempFilePath = SmallPictures.NewFolder();
        using var cancellation = new CancellationTokenSource();
        var options = PictureSources.Options(column) with { CancellationToken = cancellation.Token };

        var thrown = Assert.Throws<Exception>(
            () => Fit(options, View(AtRow(9, () => throw new TimeoutException("The database went away.")))));
        Assert.IsTrue(Chain(thrown).Any(e => e is TimeoutException), thrown.ToString());
        AssertNothingLeft();

        Assert.Throws<OperationCanceledException>(() => Fit(options, View(AtRow(9, cancellation.Cancel))));
        AssertNothingLeft();

        void AssertNothingLeft()
        {
            Assert.AreEqual(0, OpenFiles.CountIn(_ml.TempFilePath));
            Assert.IsEmpty(Directory.GetFileSystemEntries(_ml.TempFilePath));
        }

        static IEnumerable<Exception> Chain(Exception? e)
        {
            for (; e is not null; e = e.InnerException)
                yield return e;
        }
    }

    private static IEnumerable<EveryForm> AtRow(int row, Action act)
    {
        foreach (var (i, value) in s_rows.Index())
        {
            if (i == row)
                act();
            yield return value;
        }
    }

    private static byte[] Encode(string column, RawPixels pixels, IDataView view)
    {
        var encoder = new MlNetFineTune.Data.ImageEncoder(new ImagePreprocessing { Size = 48, CropFraction = 1 });
        var output = new byte[encoder.Length];
        using var cursor = view.GetRowCursor(view.Schema);
        Assert.IsTrue(cursor.MoveNext());
        Assert.IsNull(new MlNetFineTune.Data.ImageColumn(column, null, pixels).CreateReader(cursor, view.Schema[column]).Read()
            .Encode(encoder, Augmentation.None, default, output));
        return output;
    }

    private IDataView View(IEnumerable<EveryForm>? rows = null) => SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows ?? s_rows));

    private FineTuningTransformer Fit(ImageFineTuningOptions options, IDataView? view = null) =>
        _ml.MulticlassClassification.Trainers.FineTuneImages(options with { Epochs = 1 }).Fit(view ?? View());

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
    }

    private sealed class GrayRow
    {
        [VectorType(48 * 48)]
        public byte[] Gray { get; set; } = [];
    }

    private sealed class SparseRow
    {
        [VectorType(48 * 48)]
        public VBuffer<byte> Gray { get; set; }
    }
}
