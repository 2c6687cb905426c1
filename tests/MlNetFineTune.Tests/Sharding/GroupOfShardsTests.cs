using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Sharding;

/// <summary>How the processes of a group that score one shard each end together.</summary>
[TestClass]
public sealed class GroupOfShardsTests : IDisposable
{
    private static readonly ShardingOptions s_options = new() { BlockRows = 10, ModelId = "model 1" };

    private readonly MLContext _ml = new(seed: 1);
    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void TheWaitForTheOtherShardsHasNoLimit()
    {
        var model = ShardedScores.StockModel(_ml);

        var waits = ThreadGroup.Run(2, processes =>
        {
            _ml.Model.TransformSharded(model, Rows(), _folder.Path, processes, s_options);
            return ((ThreadGroup)processes).LongWaits;
        });

        Assert.AreEqual(2, waits.Max());
    }

    [TestMethod]
    public void TheFaultOfAProcessIsNotLostWhereAnotherHasEnded()
    {
        var model = ShardedScores.StockModel(_ml);

        var errors = ThreadGroup.Run(2, processes =>
        {
            if (processes.Rank == 1)
            {
                processes.Abort(new InvalidOperationException("It has ended."));
                return null;
            }
            return Assert.Throws<Exception>(() => _ml.Model.TransformSharded(
                model, Rows(), _folder.Path, processes, s_options with { CancellationToken = new(canceled: true) }));
        });

        Assert.IsInstanceOfType<OperationCanceledException>(errors[0]);
    }

    private IDataView Rows() => ShardedScores.Streamed(_ml, TableRow.Many(45));
}
