using System.Collections.Concurrent;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>ML.NET's contract of a transformed view: lazy, batched, the same however it is read.</summary>
[TestClass]
public sealed class TransformTests
{
    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(24).Take(70).ToArray();

    [TestMethod]
    public void NothingIsReadBeforeACursorMovesAndThenManyRowsAtOnce()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var (view, calls) = Counted();
        var scored = model.Transform(view);
        using var cursor = scored.GetRowCursor([scored.Schema["Score"]]);
        Assert.AreEqual(0, calls.Value);

        var seen = new List<int>();
        while (cursor.MoveNext())
            seen.Add(calls.Value);

        // Batches of 16; from the second on, the next is read while one is in the network.
        CollectionAssert.AreEqual(Enumerable.Range(1, 70).Select(row => row <= 16 ? 16 : Math.Min(70, (row + 15) / 16 * 16 + 16))
            .ToArray(), seen);
    }

    [TestMethod]
    public void ColumnsThatNobodyAsksForCostNothing()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var (view, calls) = Counted();
        var scored = model.Transform(view);

        using (var cursor = scored.GetRowCursor([scored.Schema["Number"]]))
        {
            var getter = cursor.GetGetter<int>(scored.Schema["Number"]);
            var number = 0;
            for (var i = 0; cursor.MoveNext(); i++)
            {
                getter(ref number);
                Assert.AreEqual(i, number);
            }
            Assert.IsFalse(cursor.IsColumnActive(scored.Schema["Score"]));
            Assert.Throws<Exception>(() => cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]));
        }
        Assert.AreEqual(0, calls.Value, "The picture was read although no score was asked for.");

        var mapper = ((ITransformer)model).GetRowToRowMapper(view.Schema);
        Assert.IsEmpty(mapper.GetDependencies([mapper.OutputSchema["Number"]]).Where(column => column.Name == "ImagePath"));
        CollectionAssert.AreEqual(new[] { "ImagePath" }, mapper.GetDependencies([mapper.OutputSchema["PredictedLabel"]])
            .Select(column => column.Name).ToArray());
    }

    [TestMethod]
    public void BatchesRowByRowAndPredictionEngineAgree()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, _photos);
        var scored = model.Transform(view);
        var (batched, keys) = (SmallTraining.Scores(scored), SmallTraining.PredictedKeys(scored));

        var byMapper = new List<float[]>();
        var keysByMapper = new List<uint>();
        var mapper = ((ITransformer)model).GetRowToRowMapper(view.Schema);
        DataViewSchema.Column[] outputs = [mapper.OutputSchema["Score"], mapper.OutputSchema["PredictedLabel"]];
        using (var cursor = view.GetRowCursor(mapper.GetDependencies(outputs)))
        using (var row = mapper.GetRow(cursor, outputs))
        {
            var (score, label) = (row.GetGetter<VBuffer<float>>(outputs[0]), row.GetGetter<uint>(outputs[1]));
            VBuffer<float> scores = default;
            uint key = 0;
            while (cursor.MoveNext())
            {
                score(ref scores);
                label(ref key);
                byMapper.Add([.. scores.DenseValues()]);
                keysByMapper.Add(key);
            }
        }

        using var engine = _ml.Model.CreatePredictionEngine<Photo, Prediction>(
            model, new PredictionEngineOptions { OwnsTransformer = false });
        var predictions = _photos.Select(engine.Predict).Select(prediction => (prediction.Score, prediction.PredictedLabel)).ToArray();

        SmallTraining.AssertClose(batched, byMapper);
        SmallTraining.AssertSameBits(byMapper, [.. predictions.Select(prediction => prediction.Score)]);
        CollectionAssert.AreEqual(keys, keysByMapper);
        CollectionAssert.AreEqual(keys, predictions.Select(prediction => prediction.PredictedLabel).ToArray());
        CollectionAssert.AreEqual(keys, batched.Select(row => (uint)Array.IndexOf(row, row.Max()) + 1).ToArray());
    }

    [TestMethod]
    public void CursorsOpenedTwiceAndFromSeveralThreadsGiveTheSameBits()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(SmallPictures.View(_ml, _photos));
        var expected = SmallTraining.Scores(scored);

        SmallTraining.AssertSameBits(expected, SmallTraining.Scores(scored));
        var parallel = new float[6][][];
        Parallel.For(0, parallel.Length, new ParallelOptions { MaxDegreeOfParallelism = 6 },
            i => parallel[i] = SmallTraining.Scores(scored));
        foreach (var scores in parallel)
            SmallTraining.AssertSameBits(expected, scores);
    }

    [TestMethod]
    public void TwoCursorsMayStandInTheMiddleAtTheSameTime()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(SmallPictures.View(_ml, _photos));
        var expected = SmallTraining.Scores(scored);
        using var first = scored.GetRowCursor([scored.Schema["Score"]]);
        using var second = scored.GetRowCursor([scored.Schema["Score"]]);
        var (firstScore, secondScore) =
            (first.GetGetter<VBuffer<float>>(scored.Schema["Score"]), second.GetGetter<VBuffer<float>>(scored.Schema["Score"]));
        VBuffer<float> scores = default;

        for (var i = 0; i < 40; i++)
        {
            Assert.IsTrue(first.MoveNext());
            if (i % 2 == 0)
                Assert.IsTrue(second.MoveNext());
            firstScore(ref scores);
            SmallTraining.AssertSameBits([expected[i]], [[.. scores.DenseValues()]]);
            secondScore(ref scores);
            SmallTraining.AssertSameBits([expected[i / 2]], [[.. scores.DenseValues()]]);
        }
    }

    [TestMethod]
    public void RowIdsPositionsAndOtherColumnsPassThrough()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = _ml.Data.ShuffleRows(SmallPictures.View(_ml, _photos), seed: 3);
        var scored = model.Transform(view);

        var expected = Read(view);
        CollectionAssert.AreEqual(expected, Read(scored, scored.Schema["Score"]));
        CollectionAssert.AreEqual(expected, Read(scored));
        Assert.AreNotEqual(_photos[0].ImagePath, expected[0].Path, "The rows were not shuffled.");
        Assert.IsFalse(scored.CanShuffle);

        static (DataViewRowId, long, string Path)[] Read(IDataView data, params DataViewSchema.Column[] more)
        {
            var rows = new List<(DataViewRowId, long, string)>();
            using var cursor = data.GetRowCursor([data.Schema["ImagePath"], .. more]);
            var (id, path) = (cursor.GetIdGetter(), cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["ImagePath"]));
            DataViewRowId rowId = default;
            ReadOnlyMemory<char> text = default;
            while (cursor.MoveNext())
            {
                id(ref rowId);
                path(ref text);
                rows.Add((rowId, cursor.Position, text.ToString()));
            }
            return [.. rows];
        }
    }

    [TestMethod]
    public void ASetOfCursorsGivesEveryRowOnce()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(SmallPictures.View(_ml, _photos));
        var rows = 0;

        foreach (var cursor in scored.GetRowCursorSet([scored.Schema["Score"]], 4))
        {
            using (cursor)
            {
                while (cursor.MoveNext())
                    rows++;
            }
        }

        Assert.AreEqual(_photos.Length, rows);
        Assert.AreEqual(_photos.Length, scored.GetRowCount() ?? _photos.Length);
    }

    [TestMethod]
    public void TransformsThatReadSetsOfCursorsGetTheSameScores()
    {
        // One cursor is all a view has to give (a forward pass uses every core by itself);
        // ML.NET's own transforms then share it out among their threads.
        using var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(Counted().View);
        var expected = SmallTraining.Scores(scored);
        var after = _ml.Transforms.Concatenate("Features", "Score")
            .Append(_ml.Transforms.NormalizeMinMax("Normalized", "Features", fixZero: false)).Fit(scored).Transform(scored);
        DataViewSchema.Column[] columns = [after.Schema["Number"], after.Schema["Score"], after.Schema["Normalized"]];

        var found = new ConcurrentDictionary<int, float[]>();
        Parallel.ForEach(after.GetRowCursorSet(columns, 4), cursor =>
        {
            using (cursor)
            {
                var (number, score) = (cursor.GetGetter<int>(columns[0]), cursor.GetGetter<VBuffer<float>>(columns[1]));
                var (n, scores) = (0, default(VBuffer<float>));
                while (cursor.MoveNext())
                {
                    number(ref n);
                    score(ref scores);
                    Assert.IsTrue(found.TryAdd(n, [.. scores.DenseValues()]));
                }
            }
        });

        SmallTraining.AssertSameBits(expected, [.. found.OrderBy(row => row.Key).Select(row => row.Value)]);
        // a stock trainer, which reads with as many cursors as it gets
        var trained = _ml.Clustering.Trainers.KMeans("Features", numberOfClusters: 3).Fit(after);
        Assert.HasCount(_photos.Length, trained.Transform(after).GetColumn<uint>("PredictedLabel").ToArray());
    }

    [TestMethod]
    public void AnEmptyViewAndAViewOfOneRowBehave()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var empty = model.Transform(SmallPictures.View(_ml, []));
        using (var cursor = empty.GetRowCursor(empty.Schema))
        {
            Assert.IsFalse(cursor.MoveNext());
            Assert.IsFalse(cursor.MoveNext());
        }

        var all = SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos)));
        SmallTraining.AssertClose([all[0]], SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos.Take(1)))));
    }

    [TestMethod]
    public void TakingSkippingFilteringAndCachingBeforeScoringChangesNoScore()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var (view, _) = Counted();
        var all = SmallTraining.Scores(model.Transform(view));

        SmallTraining.AssertClose(all[10..17], SmallTraining.Scores(model.Transform(_ml.Data.TakeRows(_ml.Data.SkipRows(view, 10), 7))));
        SmallTraining.AssertClose(all[..40],
            SmallTraining.Scores(model.Transform(_ml.Data.FilterRowsByColumn(Floats(view), "Float", upperBound: 40))));
        SmallTraining.AssertSameBits(all, SmallTraining.Scores(model.Transform(_ml.Data.Cache(view))));
        SmallTraining.AssertSameBits(all, SmallTraining.Scores(_ml.Data.Cache(model.Transform(view))));
        SmallTraining.AssertSameBits(all[10..17], SmallTraining.Scores(_ml.Data.TakeRows(_ml.Data.SkipRows(model.Transform(view), 10), 7)));

        IDataView Floats(IDataView data) => _ml.Transforms.Conversion.ConvertType("Float", "Number", DataKind.Single).Fit(data)
            .Transform(data);
    }

    [TestMethod]
    public void AColumnCalledScoreInTheInputIsHiddenNotLost()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var view = SmallPictures.View(_ml, _photos.Take(5));
        var once = model.Transform(view);
        var twice = model.Transform(once);

        Assert.HasCount(6, twice.Schema);
        Assert.AreEqual(4, twice.Schema["Score"].Index);
        Assert.IsTrue(twice.Schema[2].IsHidden);
        SmallTraining.AssertSameBits(SmallTraining.Scores(once), SmallTraining.Scores(twice));
        SmallTraining.AssertSameBits(SmallTraining.Scores(once), [.. twice.GetColumn<float[]>(twice.Schema[2])]);

        var named = _ml.Transforms.CopyColumns("Score", "Label").Fit(view).Transform(view);
        SmallTraining.AssertSameBits(SmallTraining.Scores(once), SmallTraining.Scores(model.Transform(named)));
        CollectionAssert.AreEqual(_photos.Take(5).Select(photo => photo.Label).ToArray(),
            model.Transform(named).GetColumn<string>(model.Transform(named).Schema[2]).ToArray());
    }

    [TestMethod]
    public void TheCursorRefusesWhatItCannotGive()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var scored = model.Transform(SmallPictures.View(_ml, _photos.Take(2)));
        using var cursor = scored.GetRowCursor([scored.Schema["Score"]]);
        var getter = cursor.GetGetter<VBuffer<float>>(scored.Schema["Score"]);
        VBuffer<float> scores = default;

        Assert.Throws<InvalidOperationException>(() => getter(ref scores));
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(scored.Schema["Score"]));
        Assert.Throws<ArgumentException>(() => cursor.GetGetter<uint>(scored.Schema["PredictedLabel"]));
        while (cursor.MoveNext())
        {
        }
        Assert.Throws<InvalidOperationException>(() => getter(ref scores));
        Assert.AreEqual(-1, cursor.Position);
    }

    private (IDataView View, Counter Calls) Counted()
    {
        var calls = new Counter();
        return (
            _ml.Data.LoadFromEnumerable(_photos.Select((photo, i) => new ListeningPhoto(photo.ImagePath, calls) { Number = i })
                .ToArray()), calls);
    }

    private sealed class Counter
    {
        public int Value;
    }

    private sealed class ListeningPhoto(string path, Counter calls)
    {
        public string ImagePath
        {
            get
            {
                Interlocked.Increment(ref calls.Value);
                return path;
            }
        }

        public int Number { get; set; }
    }

    private sealed class Prediction
    {
        public float[] Score { get; set; } = [];

        public uint PredictedLabel { get; set; }
    }
}
