using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Serving;

/// <summary>Concurrent callers of a predictor receive the scores of their own rows.</summary>
[TestClass]
public sealed class PredictorTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public async Task RowsScoredTogetherHaveTheBitsOfTheSameBatchInTransform()
    {
        using var model = SmallTraining.LoadModel(_ml);
        await using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
            model, new PredictorOptions { MaxBatchSize = 12, Workers = 1 });
        using var gate = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        var rows = ServedPhoto.Take(12);

        var first = predictor.PredictAsync(ServedPhoto.Holding(gate, reached));
        Assert.IsTrue(reached.Wait(Patience.Limit));
        var tasks = rows.Select(row => predictor.PredictAsync(row)).ToArray(); // wait while the first is being scored, and so are one batch
        gate.Set();
        var predictions = await Task.WhenAll(tasks);

        await first;
        var scored = model.Transform(_ml.Data.LoadFromEnumerable(rows));
        SmallTraining.AssertSameBits(SmallTraining.Scores(scored), [.. predictions.Select(prediction => prediction.Score)]);
        CollectionAssert.AreEqual(SmallTraining.PredictedKeys(scored),
            predictions.Select(prediction => prediction.PredictedLabel).ToArray());
        Assert.AreEqual(new PredictorMetrics(0, 2, 13, 0, 0, predictor.Metrics.LongestBatch), predictor.Metrics);
        Assert.AreEqual(6.5, predictor.Metrics.MeanBatchSize);
        Assert.IsGreaterThan(TimeSpan.Zero, predictor.Metrics.LongestBatch);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void ManyThreadsGetTheScoresOfTheirOwnRows(int workers)
    {
        using var model = SmallTraining.LoadModel(_ml);
        using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(
            model, new PredictorOptions { Workers = workers, MaxBatchSize = 5 });
        var rows = ServedPhoto.Take(70);
        var scored = model.Transform(_ml.Data.LoadFromEnumerable(rows));
        var (expected, keys) = (SmallTraining.Scores(scored), SmallTraining.PredictedKeys(scored));

        Parallel.For(0, 8 * rows.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var (row, prediction) = (i % rows.Length, predictor.Predict(rows[i % rows.Length]));
            SmallTraining.AssertClose([expected[row]], [prediction.Score]);
            Assert.AreEqual(keys[row], prediction.PredictedLabel);
        });

        Assert.AreEqual(8L * rows.Length, predictor.Metrics.Rows);
    }

    [TestMethod]
    public async Task TransformsBeforeAndAfterTheNetworkRunToo()
    {
        var photos = SmallTraining.WithKeys(_ml, SmallPictures.View(_ml, SmallPictures.Take(4)));
        var pipeline = _ml.Transforms.CustomMapping<Name, Folder>(
            (name, path) => path.FullPath = Path.Combine(SmallPictures.Folder, name.ImagePath), contractName: null)
            .Append(_ml.Transforms.LoadImages("Image", imageFolder: null, "FullPath"))
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(
                SmallTraining.Options with { ImageColumnName = "Image", Epochs = 1 }))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        using var chain = pipeline.Fit(photos);
        await using var predictor = _ml.Model.CreatePredictor<Name, NamedClass>(chain);
        var names = SmallPictures.Take(6)
            .Select(photo => new Name { ImagePath = Path.GetRelativePath(SmallPictures.Folder, photo.ImagePath) }).ToArray();

        var predictions = await Task.WhenAll(names.Select(name => predictor.PredictAsync(name)));

        var expected = chain.Transform(_ml.Data.LoadFromEnumerable(names));
        SmallTraining.AssertClose(SmallTraining.Scores(expected), [.. predictions.Select(prediction => prediction.Score)]);
        CollectionAssert.AreEqual(expected.GetColumn<string>("PredictedLabel").ToArray(),
            predictions.Select(prediction => prediction.PredictedLabel).ToArray());

        // LoadImages throws for a file that is not there.
        names[7].ImagePath = "missing.png";
        var tasks = names.Select(name => predictor.PredictAsync(name)).ToArray();
        StringAssert.Contains((await Assert.ThrowsAsync<Exception>(() => tasks[7])).ToString(), "missing.png");
        var others = await Task.WhenAll(tasks.Where((_, i) => i != 7));
        SmallTraining.AssertClose([.. predictions.Select(prediction => prediction.Score).Where((_, i) => i != 7)],
            [.. others.Select(prediction => prediction.Score)]);
    }

    [TestMethod]
    public async Task ABadRowIsItsOwnCallersAlone()
    {
        using var model = SmallTraining.LoadModel(_ml);
        await using var predictor = _ml.Model.CreatePredictor<ServedPhoto, ServedClass>(model, new PredictorOptions { Workers = 1 });
        using var gate = new ManualResetEventSlim();
        var rows = ServedPhoto.Take(9);
        var expected = SmallTraining.Scores(model.Transform(_ml.Data.LoadFromEnumerable(rows)));
        rows[2] = new ServedPhoto("", () => throw new FormatException("row 2"));
        rows[4] = new ServedPhoto("missing.jpg");
        rows[8] = new ServedPhoto("", () => throw new FormatException("row 8"));

        using var reached = new ManualResetEventSlim();
        var first = predictor.PredictAsync(ServedPhoto.Holding(gate, reached));
        Assert.IsTrue(reached.Wait(Patience.Limit));
        var tasks = rows.Select(row => predictor.PredictAsync(row)).ToArray();
        gate.Set();
        await first;

        foreach (var i in (int[])[2, 8])
            Assert.AreEqual($"row {i}", (await Assert.ThrowsAsync<FormatException>(() => tasks[i])).Message);
        var missing = await tasks[4];
        Assert.IsTrue(missing.Score.Length == 3 && missing.Score.All(float.IsNaN) && missing.PredictedLabel == 0);
        foreach (var i in (int[])[0, 1, 3, 5, 6, 7])
            SmallTraining.AssertClose([expected[i]], [(await tasks[i]).Score]);
        Assert.AreEqual(2, predictor.Metrics.Failed);
        Assert.AreEqual(10, predictor.Metrics.Rows);
    }

    [TestMethod]
    public void ColumnsThatDoNotFitAreAnErrorBeforeTheFirstRow()
    {
        using var model = SmallTraining.LoadModel(_ml);

        StringAssert.Contains(Assert.Throws<Exception>(() => _ml.Model.CreatePredictor<NamedClass, ServedClass>(model)).Message,
            "ImagePath");
        StringAssert.Contains(Assert.Throws<Exception>(() => _ml.Model.CreatePredictor<ServedPhoto, Folder>(model)).Message, "FullPath");
        StringAssert.Contains(Assert.Throws<Exception>(() => _ml.Model.CreatePredictor<ServedPhoto, NamedClass>(model)).Message,
            "PredictedLabel");
    }

    [TestMethod]
    public void AModelThatDoesNotGoRowByRowIsRefused()
    {
        var dropping = new Dropping(_ml, saysSo: true);

        StringAssert.Contains(Assert.Throws<ArgumentException>(() => _ml.Model.CreatePredictor<Name, Name>(dropping)).Message,
            "row-to-row");
    }

    [TestMethod]
    public void AModelThatLosesRowsUnsaidIsAnErrorAndNoWait()
    {
        using var predictor = _ml.Model.CreatePredictor<Name, Name>(new Dropping(_ml, saysSo: false));

        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => predictor.Predict(new Name())).Message, "made 0 rows of 1");
    }

    private sealed class Dropping(MLContext ml, bool saysSo) : ITransformer
    {
        public bool IsRowToRowMapper => !saysSo;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

        public IDataView Transform(IDataView input) => ml.Data.SkipRows(input, 1);

        public void Save(ModelSaveContext ctx) => throw new NotSupportedException();
    }

    private sealed class Name
    {
        public string ImagePath { get; set; } = "";
    }

    private sealed class Folder
    {
        public string FullPath { get; set; } = "";
    }

    private sealed class NamedClass
    {
        public float[] Score { get; set; } = [];

        public string PredictedLabel { get; set; } = "";
    }
}
