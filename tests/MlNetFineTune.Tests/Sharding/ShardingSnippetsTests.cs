using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Sharding;

/// <summary>The snippets of docs/sharded-scoring.md: they are compiled here, run here, and are the same there, line by line.</summary>
[TestClass]
public sealed class ShardingSnippetsTests : IDisposable
{
    private readonly MLContext ml = new(seed: 1);
    private readonly Folder work = new();

    public void Dispose() => work.Dispose();

    [TestMethod]
    public void Score()
    {
        var (zip, folder, scores) = (work.File("model.zip"), SmallPictures.Folder, work.File("scores"));
        File.WriteAllBytes(zip, SmallTraining.ModelZip);
        // begin
        var model = ml.Model.Load(zip, out _);
        var photos = ml.Data.LoadImageFolder(folder);
        ml.Model.TransformSharded(model, photos, scores, Shard.Parse("2/8")); // in each process its own, from 0/8 to 7/8
        // end
        ((IDisposable)model).Dispose();
        Assert.Throws<InvalidOperationException>(() => ml.Data.LoadShards(scores)); // seven are missing
        Snippets.VerifyDocumented("Sharding/ShardingSnippetsTests.cs", nameof(Score), "sharded-scoring.md");
    }

    [TestMethod]
    public void Merge()
    {
        var (scores, path) = (work.File("scores"), work.File("scores.idv"));
        ShardedScores.Score(ml, ShardedScores.StockModel(ml), ml.Data.LoadFromEnumerable(TableRow.Many(20)), scores, shards: 2);
        // begin
        ml.Data.MergeShards(scores, path); // .idv; or .tsv, .csv
        var scored = ml.Data.LoadFromBinary(path);
        var unmerged = ml.Data.LoadShards(scores); // the same rows, without the file
        // end
        SameRows.AssertAlike(scored, unmerged);
        Snippets.VerifyDocumented("Sharding/ShardingSnippetsTests.cs", nameof(Merge), "sharded-scoring.md");
    }
}
