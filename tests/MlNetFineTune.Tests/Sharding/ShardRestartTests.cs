using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Sharding;

/// <summary>A shard goes on where it was; what is damaged, missing, foreign or of another scoring is named.</summary>
[TestClass]
public sealed class ShardRestartTests : IDisposable
{
    private static readonly ShardingOptions s_options = new() { BlockRows = 10, ModelId = "model 1" };

    private readonly MLContext _ml = new(seed: 1);
    private readonly Folder _folder = new();
    private readonly ITransformer _model;

    public ShardRestartTests() => _model = ShardedScores.StockModel(_ml);

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void ACancelledShardGoesOnAfterItsLastCompleteBlock()
    {
        var log = new LogLines(_ml);
        using var cancel = new CancellationTokenSource();
        var options = s_options with
        {
            CancellationToken = cancel.Token,
            Progress = new Receiver(progress =>
            {
                if (progress.Rows == 20)
                    cancel.Cancel();
            }),
        };

        Assert.Throws<OperationCanceledException>(() => Score(0, 2, options));
        var resumed = Score(0, 2);
        var again = Score(0, 2); // all is there

        Assert.AreEqual((55, 20, 105), (resumed.Rows, resumed.KeptRows, resumed.DataRows));
        Assert.AreEqual((55, 55, 105), (again.Rows, again.KeptRows, again.DataRows));
        Assert.IsTrue(log.All.Any(line => line.Contains("20 rows in 2 blocks have been scored before")), log.ToString());
        Score(1, 2);
        AssertMerged();
        Assert.Throws<OperationCanceledException>(
            () => _ml.Data.MergeShards(_folder.Path, _folder.File("merged.idv"), new CancellationToken(canceled: true)));
        Assert.IsEmpty(Directory.GetFiles(_folder.Path, "merged*"));
    }

    [TestMethod]
    [DataRow("truncated")]
    [DataRow("flipped")]
    [DataRow("longer")]
    [DataRow("empty")]
    [DataRow("another block")]
    [DataRow("another scoring")]
    [DataRow("text")]
    public void ADamagedBlockIsNamedAndScoredAgain(string damage)
    {
        var log = new LogLines(_ml);
        ShardedScores.Score(_ml, _model, Rows(), _folder.Path, 2, s_options);
        var path = _folder.File(Path.Combine("shard-1-of-2", "00000003.idv"));
        var bytes = File.ReadAllBytes(path);
        switch (damage)
        {
            case "truncated": File.WriteAllBytes(path, bytes[..^40]); break;
            case "flipped": bytes[bytes.Length / 3] ^= 4; File.WriteAllBytes(path, bytes); break;
            case "longer": File.WriteAllBytes(path, [.. bytes, 0]); break;
            case "empty": File.WriteAllBytes(path, []); break;
            case "text": File.WriteAllText(path, new string('x', 500)); break;
            case "another block": File.Copy(_folder.File(Path.Combine("shard-1-of-2", "00000001.idv")), path, overwrite: true); break;
            default:
                using (var other = new Folder())
                {
                    ShardedScores.Score(_ml, _model, Rows(), other.Path, 2, s_options with { DataId = "other" });
                    File.Copy(other.File(Path.Combine("shard-1-of-2", "00000003.idv")), path, overwrite: true);
                }
                break;
        }

        var error = Assert.Throws<InvalidDataException>(() => _ml.Data.MergeShards(_folder.Path, _folder.File("merged.idv")));
        var resumed = Score(1, 2);

        StringAssert.Contains(error.Message, "00000003.idv' cannot be used: it");
        StringAssert.Contains(error.Message, "Run shard 1/2 again");
        Assert.IsFalse(File.Exists(_folder.File("merged.idv")));
        Assert.AreEqual((50, 40), (resumed.Rows, resumed.KeptRows));
        Assert.IsTrue(log.Warnings.Any(line => line.Contains("00000003.idv' is scored again")), log.ToString());
        AssertMerged();
    }

    [TestMethod]
    public void MissingPartsAreNamed()
    {
        StringAssert.Contains(Assert.Throws<DirectoryNotFoundException>(() => _ml.Data.LoadShards(_folder.File("none"))).Message,
            "There is no folder");
        StringAssert.Contains(Assert.Throws<FileNotFoundException>(() => _ml.Data.LoadShards(_folder.Path)).Message, "has no scoring.json");
        Score(1, 3);
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => _ml.Data.LoadShards(_folder.Path)).Message,
            "2 of 3 shards in");
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => _ml.Data.LoadShards(_folder.Path)).Message,
            "are not complete: 0/3, 2/3.");
        Score(0, 3);
        Score(2, 3);
        File.Delete(_folder.File(Path.Combine("shard-1-of-3", "00000004.idv")));
        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => _ml.Data.LoadShards(_folder.Path)).Message,
            $"1 of 11 files of '{_folder.Path}' are missing, such as {Path.Combine("shard-1-of-3", "00000004.idv")}.");
        Assert.AreEqual(25, Score(1, 3).KeptRows);
        AssertMerged();
    }

    [TestMethod]
    [DataRow("shard-0-of-4")]
    [DataRow("shard-0-of-2/scores.idv")]
    [DataRow("shard-0-of-2/00000001.idv")] // of shard 1
    [DataRow("shard-0-of-2/2.idv")]
    [DataRow("shard-0-of-2/00000098.idv")] // after the last
    public void ForeignPartsAreNamed(string name)
    {
        ShardedScores.Score(_ml, _model, Rows(), _folder.Path, 2, s_options);
        if (name.EndsWith(".idv", StringComparison.Ordinal))
            File.Copy(_folder.File("shard-0-of-2/00000002.idv"), _folder.File(name));
        else
            Directory.CreateDirectory(_folder.File(name));

        var message = Assert.Throws<InvalidDataException>(() => _ml.Data.LoadShards(_folder.Path)).Message;

        StringAssert.Contains(
            message, "has files that are not of its scoring by 2 shards: " + name.Replace('/', Path.DirectorySeparatorChar));
    }

    [TestMethod]
    public void AnotherScoringIsRefused()
    {
        Score(0, 2);

        AssertRefused("Shards was 2 and is 3", () => Score(0, 3));
        AssertRefused("BlockRows was 10 and is 11", () => Score(1, 2, s_options with { BlockRows = 11 }));
        AssertRefused("Model was model 1 and is", () => Score(1, 2, s_options with { ModelId = null }));
        AssertRefused("Data was none and is v2", () => Score(1, 2, s_options with { DataId = "v2" }));
        AssertRefused("Rows was 105 and is 104", () => Score(1, 2, rows: TableRow.Many(104)));
        var fewer = _ml.Transforms.SelectColumns("Score").Fit(_model.Transform(Rows()));
        AssertRefused("Columns was [", () => _ml.Model.TransformSharded(
            _model.Append(fewer), Rows(), _folder.Path, Shard.Of(1, 2), s_options));
        Score(1, 2);
        AssertMerged();

        void AssertRefused(string difference, Action score)
        {
            var message = Assert.Throws<InvalidOperationException>(score).Message;
            StringAssert.Contains(message, $"Folder '{_folder.Path}' has the scores of another run: {difference}");
            StringAssert.Contains(message, "choose another folder");
        }
    }

    [TestMethod]
    public void AnotherAnnotationIsAnotherScoring()
    {
        Score(0, 2);
        var kinds = _ml.Data.LoadFromEnumerable(TableRow.Many(60).OrderByDescending(row => row.Kind));
        var others = _ml.Transforms.Conversion.MapValueToKey("Label", nameof(TableRow.Kind)).Fit(kinds); // the same number of keys

        var message = Assert.Throws<InvalidOperationException>(() => _ml.Model.TransformSharded(
            _model.Append(others), Rows(), _folder.Path, Shard.Of(1, 2), s_options)).Message;

        StringAssert.Contains(message, "has the scores of another run");
    }

    [TestMethod]
    public void AnotherPlanInTheMiddleEndsTheShard()
    {
        var plan = _folder.File("scoring.json");
        var own = "";

        var replaced = Assert.Throws<InvalidOperationException>(() => Score(0, 2, After(30, () =>
        {
            own = File.ReadAllText(plan);
            Set(plan, "Blocks", JsonNode.Parse("{\"First\":20,\"Rows\":20}")!); // of a process whose batches are larger
        }))).Message;
        File.WriteAllText(plan, own);
        var deleted = Assert.Throws<InvalidOperationException>(() => Score(0, 2, After(55, () => File.Delete(plan)))).Message;

        StringAssert.Contains(replaced, $"'{plan}' was replaced while this process scored by it");
        StringAssert.Contains(deleted, $"'{plan}' was deleted while this process scored by it");
        StringAssert.Contains(deleted, "Run this shard again");
        Assert.IsFalse(File.Exists(_folder.File("shard-0-of-2/complete.json")));
        File.WriteAllText(plan, own);
        Assert.AreEqual(55, Score(0, 2).KeptRows);
        Score(1, 2);
        AssertMerged();

        static ShardingOptions After(int rows, Action action) => s_options with
        {
            Progress = new Receiver(progress =>
            {
                if (progress.Rows == rows)
                    action();
            }),
        };
    }

    // The bytes of Deflate differ between releases and platforms of .NET, and those of the columns are compared.
    [TestMethod]
    public void TheColumnsOfThePlanAreNotCompressed()
    {
        Score(0, 1);

        var schema = JsonNode.Parse(File.ReadAllText(_folder.File("scoring.json")))!["Schema"]!.GetValue<string>();

        var key = TableRow.Many(1)[0].Kind; // a key value, an annotation
        StringAssert.Contains(System.Text.Encoding.Latin1.GetString(Convert.FromBase64String(schema)), key);
    }

    [TestMethod]
    public void DataThatHaveChangedBetweenTwoCallsAreAnError()
    {
        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Score(0, 2, s_options with
        {
            CancellationToken = cancel.Token,
            Progress = new Receiver(_ => cancel.Cancel()),
        }));

        var message = Assert.Throws<InvalidOperationException>(() => Score(0, 2, rows: [.. TableRow.Many(105).Reverse()])).Message;

        StringAssert.Contains(message, "The data have changed since block 0 was scored: its first row, number 0, is another.");
    }

    [TestMethod]
    public void ShardsOfOtherDataAreNotMerged()
    {
        Score(0, 2);
        Score(1, 2, rows: [.. TableRow.Many(105).Reverse()]);
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => _ml.Data.LoadShards(_folder.Path)).Message,
            "or the same rows in different orders: the first rows of blocks are not the same in shards 0/2 and 1/2.");

        using var other = new Folder();
        for (var shard = 0; shard < 2; shard++)
        {
            _ml.Model.TransformSharded(
                _model, ShardedScores.Streamed(_ml, TableRow.Many(105 + shard)), other.Path, Shard.Of(shard, 2), s_options);
        }
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => _ml.Data.LoadShards(other.Path)).Message,
            "have read different data: shard 0/2 105 rows, shard 1/2 106.");
    }

    [TestMethod]
    [DataRow("scoring.json", "", "it is empty|JSON")]
    [DataRow("scoring.json", "null", "it is empty")]
    [DataRow("scoring.json", "{", "JSON")]
    [DataRow("scoring.json", "FormatVersion=2", "it has format version 2, and this library reads version 1")]
    [DataRow("scoring.json", "Shards=0", "a value is missing or outside its range")]
    [DataRow("scoring.json", "Shards=2147483647", "a value is missing or outside its range")]
    [DataRow("scoring.json", "More=1", "JSON")]
    [DataRow("scoring.json", "Blocks={\"First\":0,\"Rows\":0}", "a value is missing or outside its range")]
    [DataRow("shard-0-of-1/complete.json", "[]", "JSON")]
    [DataRow("shard-0-of-1/complete.json", "DataRows=-1", "its number of rows is below 0")]
    [DataRow("shard-0-of-1/complete.json", "DataRows=9223372036854775807", "files of")]
    [DataRow("shard-0-of-1/complete.json", "Scoring=\"other\"", "it is of another scoring")]
    public void HostileDescriptionsAreErrors(string name, string content, string expected)
    {
        Score(0, 1);
        var path = _folder.File(name);
        if (content.Split('=', 2) is [var property, var value])
            Set(path, property, JsonNode.Parse(value)!);
        else
            File.WriteAllText(path, content);

        var message = Assert.Throws<InvalidDataException>(() => Read()).Message;

        Assert.IsTrue(expected.Split('|').Any(message.Contains), message);

        // Another plan has other files, so that those of before are damaged.
        void Read() => _ml.Data.LoadShards(_folder.Path).GetColumn<float[]>("Score").Count();
    }

    [TestMethod]
    public void ColumnsThatCannotBeReadAreAnError()
    {
        Score(0, 1);
        var plan = _folder.File("scoring.json");
        Set(plan, "Schema", "AAAA");
        Set(_folder.File("shard-0-of-1/complete.json"), "Scoring", ContentHash.Of(File.ReadAllBytes(plan)).ToString());

        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => _ml.Data.LoadShards(_folder.Path)).Message,
            $"The columns in '{_folder.Path}' cannot be read");
    }

    [TestMethod]
    public void SeveralShardsAndTwoOfTheSameRunAtOnce()
    {
        Shard[] shards = [Shard.Of(0, 2), Shard.Of(1, 2), Shard.Of(1, 2), Shard.Of(0, 2)];

        Parallel.ForEach(shards, new ParallelOptions { MaxDegreeOfParallelism = shards.Length }, shard =>
        {
            var ml = new MLContext();
            ml.Model.TransformSharded(_model, ml.Data.LoadFromEnumerable(TableRow.Many(105)), _folder.Path, shard, s_options);
        });

        AssertMerged();
        Assert.IsEmpty(Directory.GetFiles(_folder.Path, "*.tmp", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void WhatKilledProcessesLeaveIsDeletedAfterADay()
    {
        var shard = Directory.CreateDirectory(_folder.File("shard-0-of-1")).FullName;
        var (old, young) = (Path.Combine(shard, "00000000.idv.1.tmp"), Path.Combine(shard, "00000000.idv.2.tmp"));
        File.WriteAllText(old, "");
        File.WriteAllText(young, "");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-2));

        Score(0, 1);

        Assert.IsFalse(File.Exists(old));
        Assert.IsTrue(File.Exists(young));
        AssertMerged();
    }

    private static void Set(string path, string property, JsonNode value)
    {
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json[property] = value;
        File.WriteAllText(path, json.ToJsonString());
    }

    private ShardProgress Score(int index, int count, ShardingOptions? options = null, TableRow[]? rows = null) =>
        _ml.Model.TransformSharded(_model, Rows(rows), _folder.Path, Shard.Of(index, count), options ?? s_options);

    private IDataView Rows(TableRow[]? rows = null) => _ml.Data.LoadFromEnumerable(rows ?? TableRow.Many(105));

    private void AssertMerged() =>
        SameRows.AssertAlike(ShardedScores.InOneProcess(_ml, _model, Rows()), ShardedScores.Merge(_ml, _folder.Path));

    private sealed class Receiver(Action<ShardProgress> receive) : IProgress<ShardProgress>
    {
        public void Report(ShardProgress value) => receive(value);
    }
}
