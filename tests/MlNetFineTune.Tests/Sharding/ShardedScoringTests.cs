using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Serving;
using MlNetFineTune.Sharding;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Sharding;

/// <summary>What several shards score is, merged, what one process scores, bit for bit.</summary>
[TestClass]
public sealed class ShardedScoringTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void OptionsHaveTheirDefaults()
    {
        var options = new ShardingOptions();

        Assert.AreEqual(512, options.BlockRows);
        Assert.IsNull(options.ModelId);
        Assert.IsNull(options.DataId);
        Assert.IsNull(options.Progress);
        Assert.AreEqual(CancellationToken.None, options.CancellationToken);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShardingOptions { BlockRows = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShardingOptions { BlockRows = (1 << 20) + 1 });
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(5)]
    public void PicturesAreScoredAsInOneProcess(int shards)
    {
        using var network = SmallTraining.LoadModel(_ml);
        var missing = new Photo { Label = "dots", ImagePath = "missing.jpg" }; // its scores are NaN
        Photo[] photos = [.. SmallPictures.Take(24).SelectMany((photo, i) => i % 20 == 7 ? new[] { photo, missing } : [photo])];
        var data = SmallPictures.View(_ml, photos);
        var model = network.Append(_ml.Transforms.Conversion.MapKeyToValue("Predicted", "PredictedLabel").Fit(network.Transform(data)));

        ShardedScores.Score(_ml, model, data, _folder.Path, shards, new() { BlockRows = 16 });

        var expected = ShardedScores.InOneProcess(_ml, model, data);
        SameRows.AssertAlike(expected, _ml.Data.LoadShards(_folder.Path));
        SameRows.AssertAlike(expected, ShardedScores.Merge(_ml, _folder.Path));
        Assert.AreEqual(photos.Length, _ml.Data.LoadShards(_folder.Path).GetRowCount());
        Assert.HasCount(Math.Min(shards, 5), Directory.GetDirectories(_folder.Path));
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void TextsAreScoredAsInOneProcess(int shards)
    {
        var texts = SmallTexts.Take(700);
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 1 })
            .Fit(SmallTexts.View(_ml, texts.Take(40)));
        var data = SmallTexts.View(_ml, texts);

        ShardedScores.Score(_ml, model, data, _folder.Path, shards, new() { BlockRows = 1 });

        SameRows.AssertAlike(ShardedScores.InOneProcess(_ml, model, data), ShardedScores.Merge(_ml, _folder.Path));
        Assert.HasCount(5, Directory.GetFiles(_folder.Path, "*.idv", SearchOption.AllDirectories)); // 64 + 128, then 128
    }

    // Their batches are larger than a block is asked to be.
    [TestMethod]
    public void BlocksOfExplanationsEndWhereBatchesDo()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var data = SmallPictures.View(_ml, SmallPictures.Take(15));
        var explain = _ml.Transforms.ExplainImages("Why", "ImagePath", model, Explanation.GradCam(), mapColumnName: "Map");
        using var explainer = explain.Fit(data);

        ShardedScores.Score(_ml, explainer, data, _folder.Path, 2, new() { BlockRows = 10 });

        AssertAligned(explainer, rows: 45);
        SameRows.AssertAlike(ShardedScores.InOneProcess(_ml, explainer, data), ShardedScores.Merge(_ml, _folder.Path));
    }

    [TestMethod]
    public void BlocksOfTextsInOnnxRuntimeEndWhereBatchesDo()
    {
        var data = SmallTexts.View(_ml, SmallTexts.Take(400));
        using var model = _ml.MulticlassClassification.Trainers.FineTuneText(SmallTexts.Options with { Epochs = 1 })
            .Fit(SmallTexts.View(_ml, SmallTexts.Take(40)));
        var chain = _ml.FineTuning.ToOnnxPipeline(model, data.Schema);
        using var owner = (IDisposable)chain;

        ShardedScores.Score(_ml, chain, data, _folder.Path, 2, new() { BlockRows = 10 });

        AssertAligned(chain, rows: 400);
        SameRows.AssertAlike(ShardedScores.InOneProcess(_ml, chain, data), ShardedScores.Merge(_ml, _folder.Path));
    }

    // A network that could not be used otherwise: what it computes of a row depends on the others of its batch.
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    public void EachBatchHasTheSameRowsAsInOneProcess(int shards)
    {
        var rows = TableRow.Many(1000);
        var data = SmallModules.View(_ml, rows);
        using var model = _ml.Regression.Trainers.FineTuneModule(
            SmallModules.Regression with { Factory = new MinusBatchMeanFactory(), Epochs = 1 }).Fit(SmallModules.View(_ml, rows.Take(40)));
        var expected = ShardedScores.InOneProcess(_ml, model, data);
        var others = model.Transform(_ml.Data.SkipRows(data, 10)).GetColumn<float>("Score").ToArray();
        CollectionAssert.AreNotEqual(expected.GetColumn<float>("Score").Skip(10).ToArray(), others);

        ShardedScores.Score(_ml, model, data, _folder.Path, shards, new() { BlockRows = 1 });

        SameRows.AssertAlike(expected, ShardedScores.Merge(_ml, _folder.Path));
        // 64 + 256 rows in small batches and a full one, then 256, 256 and the last 168: the last alone, after those that are kept.
        File.Delete(_folder.File(Path.Combine($"shard-{3 % shards}-of-{shards}", "00000003.idv")));
        var resumed = _ml.Model.TransformSharded(model, data, _folder.Path, Shard.Of(3 % shards, shards), new() { BlockRows = 1 });
        Assert.AreEqual(168, resumed.Rows - resumed.KeptRows);
        SameRows.AssertAlike(expected, ShardedScores.Merge(_ml, _folder.Path));
    }

    [TestMethod]
    public void AStockModelIsScoredAsInOneProcess()
    {
        var model = ShardedScores.StockModel(_ml);
        var data = _ml.Data.LoadFromEnumerable(TableRow.Many(101));

        ShardedScores.Score(_ml, model, data, _folder.Path, 3, new() { BlockRows = 10 });

        SameRows.AssertAlike(ShardedScores.InOneProcess(_ml, model, data), ShardedScores.Merge(_ml, _folder.Path));
    }

    [TestMethod]
    [DataRow(".tsv", '\t')]
    [DataRow(".csv", ',')]
    public void TheMergedTextIsThatOfOneProcess(string extension, char separator)
    {
        var model = ShardedScores.StockModel(_ml);
        var data = _ml.Data.LoadFromEnumerable(TableRow.Many(31));
        ShardedScores.Score(_ml, model, data, _folder.Path, 2, new() { BlockRows = 10 });

        _ml.Data.MergeShards(_folder.Path, _folder.File("merged" + extension));

        using var expected = new MemoryStream();
        _ml.Data.SaveAsText(model.Transform(data), expected, separator);
        CollectionAssert.AreEqual(expected.ToArray(), File.ReadAllBytes(_folder.File("merged" + extension)));
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => _ml.Data.MergeShards(_folder.Path, "merged.parquet")).Message,
            ".idv, .tsv, .txt or .csv");
    }

    [TestMethod]
    [DataRow(5, 7, 2)] // more shards than blocks
    [DataRow(1, 3, 2)]
    [DataRow(0, 1, 2)]
    [DataRow(0, 3, 2)]
    [DataRow(40, 2, 10)] // the last block is full
    public void FewRowsAreDividedToo(int rows, int shards, int blockRows)
    {
        var model = ShardedScores.StockModel(_ml);
        var data = ShardedScores.Streamed(_ml, TableRow.Many(rows));

        ShardedScores.Score(_ml, model, data, _folder.Path, shards, new() { BlockRows = blockRows });

        var expected = ShardedScores.InOneProcess(_ml, model, _ml.Data.LoadFromEnumerable(TableRow.Many(rows)));
        SameRows.AssertAlike(expected, ShardedScores.Merge(_ml, _folder.Path));
        Assert.AreEqual(rows, _ml.Data.LoadShards(_folder.Path).GetRowCount());
    }

    [TestMethod]
    public void TheRowsOfOtherShardsAreNotComputed()
    {
        var computed = 0;
        var rows = _ml.Data.LoadFromEnumerable(TableRow.Many(100));
        var counted = _ml.Transforms.CustomMapping<SizeOfRow, Doubled>(
            (from, to) =>
            {
                computed++;
                to.Twice = [from.Size, from.Size];
            }, contractName: null).Fit(rows).Transform(rows);

        var progress = _ml.Model.TransformSharded(
            ShardedScores.StockModel(_ml), counted, _folder.Path, Shard.Of(1, 3), new() { BlockRows = 10 });

        Assert.AreEqual(30, computed); // blocks 1, 4 and 7
        Assert.AreEqual((30, 0, 100), (progress.Rows, progress.KeptRows, progress.DataRows));
    }

    // ML.NET computes mappings ahead on several threads, whatever is read of them: the rows are left out before the mappings.
    [TestMethod]
    public void TheRowsOfOtherShardsAreNotComputedByTransformsOfTheData()
    {
        using var network = SmallTraining.LoadModel(_ml);
        var photos = SmallPictures.View(_ml, SmallPictures.Take(16));
        var opened = 0;
        var found = _ml.Transforms.CustomMapping<Photo, Opened>(
            (from, to) =>
            {
                Interlocked.Increment(ref opened);
                to.Content = File.ReadAllBytes(from.ImagePath);
            }, contractName: null).Fit(photos).Transform(photos);
        var data = _ml.Transforms.SelectColumns("ImagePath", nameof(Opened.Content)).Fit(found).Transform(found);

        ShardedScores.Score(_ml, network, data, _folder.Path, 3, new() { BlockRows = 16 });

        Assert.AreEqual(48, opened); // each by its shard alone
        SameRows.AssertAlike(ShardedScores.InOneProcess(_ml, network, data), ShardedScores.Merge(_ml, _folder.Path));
    }

    [TestMethod]
    public void ProgressComesAfterEachBlock()
    {
        var seen = new List<ShardProgress>();
        var options = new ShardingOptions
        {
            BlockRows = 10,
            Progress = new Receiver(seen.Add),
        };

        _ml.Model.TransformSharded(
            ShardedScores.StockModel(_ml), _ml.Data.LoadFromEnumerable(TableRow.Many(45)), _folder.Path, Shard.Of(0, 2), options);

        CollectionAssert.AreEqual(new[] { 10L, 20, 25, 25 }, seen.Select(progress => progress.Rows).ToArray());
        Assert.IsTrue(seen.All(progress => progress.KeptRows == 0 && progress.Shard == Shard.Of(0, 2)));
        Assert.AreEqual(45, seen[^1].DataRows);
    }

    [TestMethod]
    public void TheErrorOfARowIsThatOfAnOrdinaryPass()
    {
        var data = _ml.Data.LoadFromEnumerable(TableRow.Many(45));
        var model = _ml.Transforms.CustomMapping<SizeOfRow, Doubled>(
            (_, _) => throw new NotSupportedException("This row has no size."), contractName: null).Fit(data);
        var options = new ShardingOptions { BlockRows = 10, ModelId = "1" };

        var ordinary = Assert.Throws<Exception>(() => model.Transform(data).GetColumn<float[]>(nameof(Doubled.Twice)).Count());
        var sharded = Assert.Throws<Exception>(() => _ml.Model.TransformSharded(model, data, _folder.Path, Shard.Of(0, 1), options));

        Assert.AreEqual((ordinary.GetType(), ordinary.Message), (sharded.GetType(), sharded.Message));
        Assert.AreEqual("This row has no size.", sharded.GetBaseException().Message);
        Assert.IsEmpty(Directory.GetFiles(Path.Combine(_folder.Path, "shard-0-of-1")));
    }

    [TestMethod]
    public void AModelThatMayDropRowsIsRefused()
    {
        var data = _ml.Data.LoadFromEnumerable(TableRow.Many(5));

        StringAssert.Contains(Assert.Throws<ArgumentException>(
            () => _ml.Model.TransformSharded(new Dropping(isRowToRow: false), data, _folder.Path, Shard.Of(0, 1))).Message,
            "not a row-to-row mapper");
        // One that says it does not, and does.
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(
            () => _ml.Model.TransformSharded(
                new Dropping(isRowToRow: true), data, _folder.Path, Shard.Of(0, 1), new() { ModelId = "1" })).Message,
            "has 5 of the 5 rows of the data, and 4 scored rows are in");
    }

    [TestMethod]
    public void TheRowsOfAShardAreReadOnce()
    {
        var data = _ml.Data.LoadFromEnumerable(TableRow.Many(5));
        using var pass = new BlockPass((_, _) => { }, CancellationToken.None);
        var rows = new ShardRows(data, RowBlocks.Of(10, 1), _ => true, pass);
        rows.GetRowCursor(rows.Schema).Dispose();

        StringAssert.Contains(
            Assert.Throws<InvalidOperationException>(() => rows.GetRowCursor(rows.Schema)).Message, "reads its input more than once");
    }

    [TestMethod]
    public void AModelThatCannotBeSavedNeedsAName()
    {
        var data = _ml.Data.LoadFromEnumerable(TableRow.Many(5));
        var model = _ml.Transforms.CustomMapping<SizeOfRow, Doubled>(
            (from, to) => to.Twice = [from.Size], contractName: null).Fit(data);

        var message = Assert.Throws<InvalidOperationException>(
            () => _ml.Model.TransformSharded(model, data, _folder.Path, Shard.Of(0, 1))).Message;

        StringAssert.Contains(message, "Set ShardingOptions.ModelId");
        Assert.AreEqual(5, _ml.Model.TransformSharded(model, data, _folder.Path, Shard.Of(0, 1), new() { ModelId = "1" }).Rows);
    }

    [TestMethod]
    public void TheProcessesOfAGroupScoreTheirShardsAndWait()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var photos = SmallPictures.Take(16);
        var options = new ShardingOptions { BlockRows = 16 };

        var rows = ThreadGroup.Run(2, processes =>
        {
            var progress = _ml.Model.TransformSharded(model, SmallPictures.View(_ml, photos), _folder.Path, processes, options);
            return (progress.Rows, _ml.Data.LoadShards(_folder.Path).GetRowCount()); // all are complete
        });

        CollectionAssert.AreEqual(new[] { (32L, (long?)48), (16, 48) }, rows);
        SameRows.AssertAlike(
            ShardedScores.InOneProcess(_ml, model, SmallPictures.View(_ml, photos)), _ml.Data.LoadShards(_folder.Path));
    }

    [TestMethod]
    public void AProcessThatFailsIsAnErrorOfAll()
    {
        var model = ShardedScores.StockModel(_ml);

        var errors = ThreadGroup.Run(2, processes => Assert.Throws<Exception>(() => _ml.Model.TransformSharded(
            model, ShardedScores.Streamed(_ml, processes.Rank == 0 ? TableRow.Many(20) : Failing()), _folder.Path, processes,
            new() { BlockRows = 10 })).GetBaseException().Message);

        StringAssert.Contains(errors[0], "another process of the group has failed");
        Assert.AreEqual("The disk is gone.", errors[1]);
    }

    // As when a process is killed while this one fails: the group's error says less than its own.
    [TestMethod]
    public void TheOwnErrorIsNotLostWhereTheOthersAreGone()
    {
        var model = ShardedScores.StockModel(_ml);

        var errors = ThreadGroup.Run(2, processes => processes.Rank == 0 ? null : Assert.Throws<Exception>(
            () => _ml.Model.TransformSharded(
                model, ShardedScores.Streamed(_ml, Failing()), _folder.Path, processes, new() { BlockRows = 10 })));

        Assert.AreEqual("The disk is gone.", errors[1]!.GetBaseException().Message);
    }

    [TestMethod]
    public void AModelIsKnownByItsContent()
    {
        var (zip, other) = (SmallTraining.ModelZip, SmallTraining.Save(_ml, ShardedScores.StockModel(_ml)));

        Assert.AreEqual(IdentityOf(zip), IdentityOf(zip));
        Assert.AreNotEqual(IdentityOf(zip), IdentityOf(other));
        Assert.AreEqual(IdentityOf(other), IdentityOf(other));
        using var first = SmallTraining.LoadModel(_ml);
        Assert.AreEqual(IdentityOf(zip), IdentityOf(SmallTraining.Save(_ml, first))); // saved again, at another time
    }

    private void AssertAligned(ITransformer model, int rows)
    {
        var batch = TransformerChains.LargestBatchOf(model);
        Assert.IsGreaterThan(10, batch);
        Assert.HasCount(
            (int)RowBlocks.Of(10, batch).CountFor(rows), Directory.GetFiles(_folder.Path, "*.idv", SearchOption.AllDirectories));
    }

    private string IdentityOf(byte[] zip)
    {
        var model = _ml.Model.Load(new MemoryStream(zip), out _);
        using (model as IDisposable)
            return ModelIdentity.Of(_ml.Model, _ml, model);
    }

    private static IEnumerable<TableRow> Failing()
    {
        yield return TableRow.Many(1)[0];
        throw new IOException("The disk is gone.");
    }

    private sealed class Receiver(Action<ShardProgress> receive) : IProgress<ShardProgress>
    {
        public void Report(ShardProgress value) => receive(value);
    }

    private sealed class SizeOfRow
    {
        public float Size { get; set; }
    }

    private sealed class Opened
    {
        public byte[] Content { get; set; } = [];
    }

    private sealed class Doubled
    {
        public float[] Twice { get; set; } = [];
    }

    private sealed class Dropping(bool isRowToRow) : ITransformer
    {
        public bool IsRowToRowMapper => isRowToRow;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

        public void Save(ModelSaveContext ctx) => throw new NotSupportedException();

        public IDataView Transform(IDataView input) => new MLContext().Data.SkipRows(input, 1);
    }
}

/// <summary>A linear layer minus its mean over the batch.</summary>
[ModuleFactory("minus batch mean")]
public sealed class MinusBatchMeanFactory : ModuleFactory
{
    public override TorchSharp.torch.nn.Module Create(ModuleContext context) =>
        new Lambda(context.Inputs[0].Size, context.Outputs, (layer, input) =>
        {
            var outputs = layer.call(input); // [N, outputs]
            return outputs - outputs.mean([0], keepdim: true);
        });
}
