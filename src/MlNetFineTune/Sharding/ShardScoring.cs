using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Serving;

namespace MlNetFineTune.Sharding;

/// <summary>
/// Scores the rows of a shard and writes each block to a file of its own as soon as it is complete. Blocks that have a file are not scored
/// again.
/// </summary>
internal sealed class ShardScoring
{
    private readonly IHost _host;
    private readonly ITransformer _model;
    private readonly IDataView _data;
    private readonly Shard _shard;
    private readonly ShardingOptions _options;
    private readonly ShardFolder _folder;

    // Blocks that an earlier call has scored, with the samples of their first rows.
    private readonly Dictionary<long, string> _kept = [];
    private long _keptRows;
    private long _rows;

    private ShardScoring(
        IHost host, ITransformer model, IDataView data, Shard shard, ShardingOptions options, ShardFolder folder) =>
        (_host, _model, _data, _shard, _options, _folder) = (host, model, data, shard, options, folder);

    public static ShardProgress Run(
        ModelOperationsCatalog catalog, ITransformer model, IDataView data, string folder, Shard shard, ShardingOptions options)
    {
        if (!model.IsRowToRowMapper)
        {
            throw new ArgumentException(
                "The model is not a row-to-row mapper: it may drop or add rows, so that its rows cannot be assigned to shards. Apply such "
                + "transforms to the data instead.", nameof(model));
        }
        options.CancellationToken.ThrowIfCancellationRequested();
        var host = Contexts.GetEnvironment(catalog).Register(nameof(ShardScoring));
        var columns = BinaryRows.ColumnsOf(host, model.Transform(new EmptyDataView(host, data.Schema)).Schema);
        if (columns.Length == 0)
            throw new ArgumentException("The model has no column that ML.NET's binary format can hold.", nameof(model));
        var plan = new ScoringPlan
        {
            Shards = shard.Count,
            BlockRows = options.BlockRows,
            Blocks = RowBlocks.Of(options.BlockRows, TransformerChains.LargestBatchOf(model)),
            Model = options.ModelId ?? ModelIdentity.Of(catalog, host, model),
            Data = options.DataId,
            Rows = data.GetRowCount(),
            Columns = [.. columns.Select(column => $"{column.Name}: {column.Type}")],
            Schema = BinaryRows.WriteSchema(host, columns),
        };
        return new ShardScoring(host, model, data, shard, options, ShardFolder.OpenOrCreate(folder, plan)).Run();
    }

    private ShardProgress Run()
    {
        using var channel = _host.Start("Scoring a shard");
        _folder.Prepare(_shard);
        Keep(channel);
        if (FindComplete() is { } complete)
        {
            channel.Info($"Shard {_shard}: all {_rows} rows have been scored before.");
            return Report(complete.DataRows);
        }
        if (_kept.Count > 0)
            channel.Info($"Shard {_shard}: {_keptRows} rows in {_kept.Count} blocks have been scored before.");

        using var pass = new BlockPass(Verify, _options.CancellationToken);
        try
        {
            Score(pass);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            pass.Failure?.Throw();
            _options.CancellationToken.ThrowIfCancellationRequested();
            throw;
        }
        var result = Report(pass.DataRows);
        Require(_folder.Plan.Blocks, pass.DataRows);
        _folder.VerifyPlan();
        _folder.Complete(_shard, new()
        {
            Scoring = _folder.Identity,
            DataRows = pass.DataRows,
            Sample = pass.TakeSample(),
        });
        channel.Info($"Shard {_shard}: {_rows} of {pass.DataRows} rows are scored.");
        return result;
    }

    private void Score(BlockPass pass)
    {
        var input = DataViews.WithSource(_host, _data, source => new ShardRows(source, _folder.Plan.Blocks, IsWanted, pass));
        var scored = _model.Transform(input);
        using var rows = new ScoredRows(scored, BinaryRows.ColumnsOf(_host, scored.Schema), _options.CancellationToken);
        while (rows.HasMore())
            Write(rows, pass);
    }

    private bool IsWanted(long block) => block % _shard.Count == _shard.Index && !_kept.ContainsKey(block);

    private void Write(ScoredRows rows, BlockPass pass)
    {
        _folder.VerifyPlan();
        var (block, sample) = pass.NextWanted();
        var content = rows.Next(_folder.Plan.Blocks.RowsOf(block));
        BlockFile.Write(
            _folder.PathOf(block), () => new(_folder.Identity, block, content.Count, sample),
            stream => BinaryRows.Write(_host, content, stream));
        _rows += content.Count;
        Report(pass.DataRows);
    }

    private ShardProgress Report(long dataRows)
    {
        var progress = new ShardProgress(_shard, _rows, _keptRows, dataRows);
        _options.Progress?.Report(progress);
        return progress;
    }

    // Files of an earlier call. One that is damaged is written again.
    private void Keep(IChannel channel)
    {
        foreach (var block in _folder.BlocksOf(_shard))
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            try
            {
                using var file = BlockFile.Open(_folder.PathOf(block), out var description);
                if (description.Scoring != _folder.Identity || description.Block != block
                    || description.Rows < 1 || description.Rows > _folder.Plan.Blocks.RowsOf(block))
                {
                    throw new InvalidDataException("it is of another scoring or block");
                }
                _kept.Add(block, description.Sample);
                _rows = _keptRows += description.Rows;
            }
            catch (InvalidDataException e)
            {
                channel.Warning($"'{_folder.NameOf(block)}' is scored again: {e.Message}.");
            }
        }
    }

    private CompleteShard? FindComplete()
    {
        if (_folder.CompleteOf(_shard) is not { } complete)
            return null;
        var blocks = _folder.Plan.Blocks.CountFor(complete.DataRows);
        for (long block = _shard.Index; block < blocks; block += _shard.Count)
        {
            if (!_kept.ContainsKey(block))
                return null;
        }
        return complete;
    }

    private void Verify(long block, string sample)
    {
        if (_kept.TryGetValue(block, out var before) && before != sample)
        {
            throw new InvalidOperationException(
                $"The data have changed since block {block} was scored: its first row, number {_folder.Plan.Blocks.StartOf(block)}, is "
                + $"another. Score into another folder than '{_folder.Root}', or read the data in the same order.");
        }
    }

    // That each row came out once: a mapper that drops rows would move the scores of others to its places.
    private void Require(RowBlocks blocks, long dataRows)
    {
        long expected = 0;
        var count = blocks.CountFor(dataRows);
        for (long block = _shard.Index; block < count; block += _shard.Count)
            expected += blocks.RowsIn(block, dataRows);
        if (_rows != expected)
        {
            throw new InvalidOperationException(
                $"Shard {_shard} has {expected} of the {dataRows} rows of the data, and {_rows} scored rows are in '{_folder.Root}'. "
                + "Either the data have changed since an earlier call, or a transformer of the model drops or adds rows. Score into "
                + "another folder.");
        }
    }
}
