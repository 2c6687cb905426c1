using System.Collections;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>Data are read once, whatever they are and whatever is asked of them: a row has its own score, or there is an error.</summary>
[TestClass]
public sealed class OnePassTests
{
    private const int Count = 70;

    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(24).Take(Count).ToArray();

    [TestMethod]
    public void ASourceThatCanBeReadOnceIsScoredAsIfItWereKept()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var expected = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));

        var rows = _ml.Data.CreateEnumerable<ScoredPhoto>(model.Transform(Once(_photos)), reuseRowObject: false).ToArray();

        CollectionAssert.AreEqual(_photos.Select(photo => photo.ImagePath).ToArray(), rows.Select(row => row.ImagePath).ToArray());
        CollectionAssert.AreEqual(_photos.Select(photo => photo.Label).ToArray(), rows.Select(row => row.Label).ToArray());
        SmallTraining.AssertSameBits(expected, [.. rows.Select(row => row.Score)]);
        Assert.HasCount(Count, model.Transform(Once(_photos)).Preview(maxRows: 100).RowView);
    }

    [TestMethod]
    public void AFittedChainASecondModelAndTransformsAroundItReadOnce()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var expected = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));
        var numbered = _photos.Select((photo, i) => new NumberedPhoto { ImagePath = photo.ImagePath, Number = i }).ToArray();

        var filtered = _ml.Data.FilterRowsByColumn(model.Transform(Once(numbered)), "Number", lowerBound: 20, upperBound: 50);
        SmallTraining.AssertSameBits(expected[20..50], [.. filtered.GetColumn<float[]>("Score")]);
        SmallTraining.AssertSameBits(expected[10..17],
            SmallTraining.Scores(_ml.Data.TakeRows(_ml.Data.SkipRows(model.Transform(Once(numbered)), 10), 7)));
        var once = model.Transform(Once(numbered));
        var twice = _ml.Transforms.CopyColumns("First", "Score").Fit(once).Transform(once);
        foreach (var row in _ml.Data.CreateEnumerable<TwiceScored>(model.Transform(twice), reuseRowObject: true))
        {
            SmallTraining.AssertSameBits([expected[(int)row.Number]], [row.First]);
            SmallTraining.AssertSameBits([expected[(int)row.Number]], [row.Score]);
        }
        foreach (var row in _ml.Data.CreateEnumerable<ScoredNumber>(model.Transform(_ml.Data.ShuffleRows(Once(numbered), seed: 4)),
            reuseRowObject: true))
            SmallTraining.AssertClose([expected[(int)row.Number]], [row.Score]); // in another batch
    }

    [TestMethod]
    public void FilesOfScoredRowsHoldTheRowsOwnScores()
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var folder = new Folder();
        var expected = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));
        var numbered = _photos.Select((photo, i) => new NumberedPhoto { ImagePath = photo.ImagePath, Number = i }).ToArray();

        using (var file = File.Create(folder.File("scored.idv")))
            // It makes passes of its own, to foresee the size.
            _ml.Data.SaveAsBinary(model.Transform(_ml.Data.LoadFromEnumerable(numbered)), file);
        var scored = model.Transform(Once(numbered));
        using (var file = File.Create(folder.File("scored.tsv")))
        {
            var selected = _ml.Transforms.SelectColumns("Number", "PredictedLabel").Fit(scored).Transform(scored);
            _ml.Data.SaveAsText(selected, file, headerRow: false, schema: false);
        }

        var rows = _ml.Data.CreateEnumerable<ScoredNumber>(_ml.Data.LoadFromBinary(folder.File("scored.idv")), reuseRowObject: false)
            .OrderBy(row => row.Number).ToArray();
        SmallTraining.AssertSameBits(expected, [.. rows.Select(row => row.Score)]);
        CollectionAssert.AreEqual(
            expected.Select((scores, i) => $"{i}\t{Array.IndexOf(scores, scores.Max())}").ToArray(), // keys are written from 0
            File.ReadAllLines(folder.File("scored.tsv")));
    }

    // Each pass over the data is another one's: what is read together belongs together.
    [TestMethod]
    public void DataThatAreOthersOnEachPassAreScoredInOneOfThem()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, _photos);
        var scores = _photos.Zip(SmallTraining.Scores(model.Transform(view)))
            .ToDictionary(pair => pair.First.ImagePath, pair => pair.Second);

        foreach (var other in (IDataView[])[_ml.Data.ShuffleRows(view, seed: 5), _ml.Data.TakeRows(view, 40),
            SmallPictures.View(_ml, []), _ml.Data.SkipRows(view, 1)])
        {
            var changing = new CountingView(other, view);
            var rows = _ml.Data.CreateEnumerable<ScoredPhoto>(model.Transform(changing), reuseRowObject: false).ToArray();

            Assert.AreEqual(1, changing.Cursors);
            CollectionAssert.AreEqual(other.GetColumn<string>("ImagePath").ToArray(), rows.Select(row => row.ImagePath).ToArray());
            foreach (var row in rows)
                SmallTraining.AssertClose([scores[row.ImagePath]], [row.Score]);
        }
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(5)]
    [DataRow(16)]
    [DataRow(20)]
    [DataRow(32)]
    [DataRow(50)]
    public void WhereTheDataFailTheRowsBeforeComeOutAndThenTheError(int good)
    {
        using var model = SmallTraining.LoadModel(_ml);
        var expected = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));
        var scored = model.Transform(_ml.Data.LoadFromEnumerable(_photos.Take(good).Concat(Failing())));
        using var cursor = scored.GetRowCursor(scored.Schema);
        var (path, score) = (cursor.GetGetter<ReadOnlyMemory<char>>(scored.Schema["ImagePath"]),
            cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]));
        ReadOnlyMemory<char> text = default;
        VBuffer<float> scores = default;

        for (var i = 0; i < good; i++)
        {
            Assert.IsTrue(cursor.MoveNext());
            path(ref text);
            score(ref scores);
            Assert.AreEqual(_photos[i].ImagePath, text.ToString());
            SmallTraining.AssertClose([expected[i]], [[.. scores.DenseValues()]]);
        }
        foreach (var _ in Enumerable.Range(0, 3))
        {
            Assert.AreEqual("the disk is gone", Assert.ThrowsExactly<IOException>(() => cursor.MoveNext()).Message);
            Assert.Throws<InvalidOperationException>(() => score(ref scores));
            Assert.Throws<InvalidOperationException>(() => path(ref text));
        }

        static IEnumerable<Photo> Failing()
        {
            yield return Fail();
        }

        static Photo Fail() => throw new IOException("the disk is gone");
    }

    // Whatever the type, the value of a batch's row is the one that the row had.
    [TestMethod]
    public void ColumnsOfEveryTypeComeWithTheirRow()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var random = new Random(1);
        var rows = _photos.Select((photo, i) => new Everything(photo, i, random)).ToArray();
        var data = _ml.Data.LoadFromEnumerable(rows);
        var view = _ml.Transforms.Conversion.MapValueToKey("Key", nameof(Everything.Label))
            .Append(_ml.Transforms.Text.TokenizeIntoWords("Words", nameof(Everything.ImagePath), separators: ['/']))
            .Append(_ml.Transforms.Categorical.OneHotEncoding("Sparse", nameof(Everything.Label)))
            .Append(_ml.Transforms.Conversion.MapValueToKey("Keys", "Words"))
            .Fit(data).Transform(data);
        var scores = SmallTraining.Scores(model.Transform(view));

        var scored = model.Transform(view);
        var (before, after) = (view.Preview(maxRows: 100).RowView, scored.Preview(maxRows: 100).RowView);

        Assert.IsTrue(view.Schema.Any(column => column.Type is VectorDataViewType { Size: 0 }));
        Assert.IsTrue(view.Schema.Any(column => column.Type is KeyDataViewType));
        Assert.HasCount(Count, after);
        for (var i = 0; i < Count; i++)
        {
            foreach (var (expected, actual) in before[i].Values.Zip(after[i].Values))
            {
                Assert.AreEqual(expected.Key, actual.Key);
                AssertSame(expected.Value, actual.Value, $"row {i}, column {expected.Key}");
            }
            var score = (VBuffer<float>)after[i].Values.Single(value => value.Key == "Score").Value;
            SmallTraining.AssertSameBits([scores[i]], [[.. score.DenseValues()]]);
        }
    }

    // ML.NET's image transforms free an image when they go on; a user's own image is the user's. Neither is held, copied or freed by
    // scoring.
    [TestMethod]
    public void ImagesComeWithTheirRowAsTheirOwnerGivesThem()
    {
        using var model = TrainOnImages();
        var rows = _photos.Take(20).Select(WithImage).ToArray();
        var own = _ml.Data.LoadFromEnumerable(rows);
        var expected = SmallTraining.Scores(model.Transform(own));
        var paths = SmallPictures.View(_ml, _photos.Take(20));
        var load = _ml.Transforms.LoadImages("Image", imageFolder: "", "ImagePath");
        var loaded = load.Fit(paths).Transform(paths);
        // Of one size already: the loader's own image is passed on.
        var resized = load.Append(_ml.Transforms.ResizeImages("Image", 48, 48)).Fit(paths).Transform(paths);

        foreach (var view in (IDataView[])[own, loaded, resized])
        {
            var scored = model.Transform(view);
            using var cursor = scored.GetRowCursor([scored.Schema["Image"], scored.Schema["Score"]]);
            var (getImage, getScore) = (cursor.GetGetter<MLImage>(scored.Schema["Image"]),
                cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]));
            VBuffer<float> scores = default;
            MLImage image = null!;
            foreach (var (row, score) in rows.Zip(expected))
            {
                Assert.IsTrue(cursor.MoveNext());
                getImage(ref image);
                getScore(ref scores);
                if (view == own)
                    Assert.AreSame(row.Image, image);
                Assert.IsTrue(row.Image!.Pixels.SequenceEqual(image.Pixels));
                SmallTraining.AssertClose([score], [[.. scores.DenseValues()]]); // alone, and not in a batch
            }
            Assert.IsFalse(cursor.MoveNext());
        }
        foreach (var row in rows)
        {
            Assert.AreEqual(48 * 48 * 4, row.Image!.Pixels.Length);
            row.Image.Dispose();
        }
    }

    [TestMethod]
    public void TrainingReadsItsDataOnce()
    {
        var data = new CountingView(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(4))));
        var validation = new CountingView(SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(2, skip: 4))));
        var options = SmallTraining.Options with { Epochs = 3, Validation = ValidationData.Set(validation) };
        using (_ml.MulticlassClassification.Trainers.FineTuneImages(options).Fit(data))
            Assert.AreEqual((1, 1), (data.Cursors, validation.Cursors));

        var rows = new CountingView(SmallModules.View(_ml, TableRow.Many(60)));
        using (_ml.MulticlassClassification.Trainers.FineTuneModule(SmallModules.Multiclass with { Epochs = 3 }).Fit(rows))
            Assert.AreEqual(1, rows.Cursors);
    }

    [TestMethod]
    public void WhoAsksForAFewRowsOfATableHasFewRead()
    {
        using var model = _ml.MulticlassClassification.Trainers.FineTuneModule(SmallModules.Multiclass with { Epochs = 1 })
            .Fit(SmallModules.View(_ml, TableRow.Many(60)));
        var read = 0;
        var table = TableRow.Many(1000).Select(row => (++read, row).row);

        Assert.HasCount(3, model.Transform(_ml.Data.LoadFromEnumerable(table)).Preview(maxRows: 3).RowView);
        Assert.IsLessThanOrEqualTo(64, read);

        read = 0;
        var scored = model.Transform(_ml.Data.LoadFromEnumerable(table));
        using var cursor = scored.GetRowCursor([scored.Schema["Score"]]);
        for (var row = 1; cursor.MoveNext(); row++)
            Assert.IsLessThanOrEqualTo(row + 2 * 256, read); // the batch in hand and the one ahead
        Assert.AreEqual(1000, read);
    }

    private IDataView Once<T>(IEnumerable<T> rows)
        where T : class => _ml.Data.LoadFromEnumerable(new OneTime<T>(rows));

    private static ImageRow WithImage(Photo photo) => new() { Label = photo.Label, Image = MLImage.CreateFromFile(photo.ImagePath) };

    private FineTuningTransformer TrainOnImages()
    {
        var rows = SmallPictures.Take(4).Select(WithImage).ToArray();
        try
        {
            return _ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { ImageColumnName = "Image" })
                .Fit(SmallTraining.WithKeys(_ml, _ml.Data.LoadFromEnumerable(rows)));
        }
        finally
        {
            foreach (var row in rows)
                row.Image!.Dispose();
        }
    }

    private static void AssertSame(object expected, object actual, string where)
    {
        if (expected.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(VBuffer<>))
            CollectionAssert.AreEqual(Values((dynamic)expected), Values((dynamic)actual), where);
        else
            Assert.AreEqual(expected.ToString(), actual.ToString(), where);
    }

    private static string[] Values<T>(VBuffer<T> values) => [.. values.DenseValues().Select(value => $"{value}")];

    private sealed class OneTime<T>(IEnumerable<T> rows) : IEnumerable<T>
    {
        private bool _read;

        public IEnumerator<T> GetEnumerator() => !_read && (_read = true)
            ? rows.GetEnumerator()
            : throw new InvalidOperationException("These data can be read once.");

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class ScoredPhoto
    {
        public string ImagePath { get; set; } = "";

        public string Label { get; set; } = "";

        public float[] Score { get; set; } = [];
    }

    private class NumberedPhoto
    {
        public string ImagePath { get; set; } = "";

        public float Number { get; set; }
    }

    private sealed class ScoredNumber : NumberedPhoto
    {
        public float[] Score { get; set; } = [];
    }

    private sealed class TwiceScored
    {
        public float Number { get; set; }

        public float[] First { get; set; } = [];

        public float[] Score { get; set; } = [];
    }

    private sealed class Everything(Photo photo, int i, Random random)
    {
        public string ImagePath { get; set; } = photo.ImagePath;

        public string Label { get; set; } = photo.Label;

        public bool Boolean { get; set; } = i % 3 == 0;

        public sbyte SByte { get; set; } = (sbyte)i;

        public byte Byte { get; set; } = (byte)i;

        public short Int16 { get; set; } = (short)-i;

        public ushort UInt16 { get; set; } = (ushort)i;

        public int Int32 { get; set; } = -i;

        public uint UInt32 { get; set; } = (uint)i;

        public long Int64 { get; set; } = (long)i << 40;

        public ulong UInt64 { get; set; } = (ulong)i << 50;

        public float Single { get; set; } = i % 5 == 0 ? float.NaN : i;

        public double Double { get; set; } = i / 7.0;

        public DateTime DateTime { get; set; } = new DateTime(2024, 5, 1).AddMilliseconds(i);

        public DateTimeOffset DateTimeOffset { get; set; } = new DateTimeOffset(2024, 5, 1, 0, 0, 0, TimeSpan.FromHours(2)).AddTicks(i);

        public TimeSpan TimeSpan { get; set; } = TimeSpan.FromTicks(i);

        public DataViewRowId RowId { get; set; } = new((ulong)i, 7);

        [VectorType(4)]
        public float[] Fixed { get; set; } = [i, i + 1, random.NextSingle(), -i];

        public byte[] Variable { get; set; } = [.. Enumerable.Range(0, i % 9).Select(value => (byte)(value + i))];

        public string[] Texts { get; set; } = [$"text {i}", ""];

        public VBuffer<double> SparseByHand { get; set; } = new(100, 1, [i + 1.5], [i]);
    }
}
