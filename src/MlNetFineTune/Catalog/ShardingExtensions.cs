using System.Runtime.ExceptionServices;
using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Primitives;
using MlNetFineTune.Sharding;

namespace Microsoft.ML;

// Scoring by several processes: ml.Model.TransformSharded(...), ml.Data.LoadShards(...), ml.Data.MergeShards(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Scores one shard of the data and writes the rows, with all columns that <c>ml.Data.SaveAsBinary</c> writes, to a folder that all
    /// shards share. Each shard is one call, in any process, on any machine with access to the folder, at any time. When all are
    /// complete, <c>ml.Data.LoadShards</c> reads the rows in the order of the data, and <c>ml.Data.MergeShards</c> writes them to one
    /// file.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Rows are assigned by their number: blocks of consecutive rows in turn to the shards. The number of rows need not be known. Rows of
    /// other shards are passed over without reading their pictures. With one network in the model the scores are bit-identical to those of
    /// <c>model.Transform(data)</c> on the same kind of machine, whatever the number of shards.
    /// </para>
    /// <para>
    /// A call that was killed or cancelled is repeated, and goes on after the last complete block. Data, model and options must be the
    /// same; what differs is an error. The same shard may run twice at the same time: both write the same files.
    /// </para>
    /// </remarks>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="model">Any transformer, or chain of transformers, that is a row-to-row mapper.</param>
    /// <param name="data">The rows to score, in the same order in each shard; read once.</param>
    /// <param name="folder">The folder of the scores; created if it does not exist. Each scoring has a folder of its own.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="options">Options. Default null: the defaults of <see cref="ShardingOptions"/>.</param>
    /// <returns>The numbers of rows.</returns>
    /// <exception cref="ArgumentException">The model is not a row-to-row mapper.</exception>
    /// <exception cref="InvalidOperationException">
    /// The folder has the scores of another model, other data, other options or another number of shards, or the model can neither be saved
    /// nor has <see cref="ShardingOptions.ModelId"/>.
    /// </exception>
    /// <exception cref="InvalidDataException">A file in the folder is damaged or of another scoring.</exception>
    /// <exception cref="OperationCanceledException"><see cref="ShardingOptions.CancellationToken"/> was cancelled.</exception>
    public static ShardProgress TransformSharded(
        this ModelOperationsCatalog catalog, ITransformer model, IDataView data, string folder, Shard shard,
        ShardingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentNullException.ThrowIfNull(shard);
        return ShardScoring.Run(catalog, model, data, folder, shard, options ?? new ShardingOptions());
    }

    /// <summary>
    /// Scores the shard of this process in a group, as the other overload does, and waits until all processes have scored theirs: then the
    /// folder is complete. All processes call it.
    /// </summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="model">Any transformer, or chain of transformers, that is a row-to-row mapper.</param>
    /// <param name="data">The rows to score, in the same order in each process; read once.</param>
    /// <param name="folder">The folder of the scores; created if it does not exist. Each scoring has a folder of its own.</param>
    /// <param name="processes">The group: process r of n scores shard r of n.</param>
    /// <param name="options">Options. Default null: the defaults of <see cref="ShardingOptions"/>.</param>
    /// <returns>The numbers of rows of this process.</returns>
    /// <exception cref="ArgumentException">The model is not a row-to-row mapper.</exception>
    /// <exception cref="InvalidOperationException">
    /// The folder has the scores of another model, other data, other options or another number of processes, or the model can neither be
    /// saved nor has <see cref="ShardingOptions.ModelId"/>.
    /// </exception>
    /// <exception cref="InvalidDataException">A file in the folder is damaged or of another scoring.</exception>
    /// <exception cref="OperationCanceledException"><see cref="ShardingOptions.CancellationToken"/> was cancelled.</exception>
    /// <exception cref="ProcessGroupException">Another process has failed or ended.</exception>
    public static ShardProgress TransformSharded(
        this ModelOperationsCatalog catalog, ITransformer model, IDataView data, string folder, ProcessGroup processes,
        ShardingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(processes);
        var shard = Shard.Of(processes);
        ExceptionDispatchInfo? failure = null;
        ShardProgress? result = null;
        try
        {
            result = catalog.TransformSharded(model, data, folder, shard, options);
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e); // after the others know of it
        }
        bool anyFailed;
        try
        {
            // Shards may differ by hours: after a restart one has all its blocks, and another has none.
            anyFailed = processes.AnyAfterLongWork(failure is not null);
        }
        catch (ProcessGroupException) when (failure is not null)
        {
            failure.Throw(); // this process's own fault says more
            throw;
        }
        failure?.Throw();
        return !anyFailed ? result! : throw new ProcessGroupException(
            $"Shard {shard} is complete, but another process of the group has failed. Its error says why; the same call goes on after the "
            + "blocks that are complete.");
    }

    /// <summary>
    /// The rows that <c>ml.Model.TransformSharded</c> has scored in all shards, in the order of the data, with the columns and annotations
    /// that <c>ml.Data.LoadFromBinary</c> would give. Lazy: a cursor opens one file after the other and verifies its checksum.
    /// </summary>
    /// <param name="catalog">The operations on data.</param>
    /// <param name="folder">The folder of the scores.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder has no scores.</exception>
    /// <exception cref="InvalidOperationException">Shards are not complete, or have read different data.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is missing, or not of this scoring; when the rows are read: a file is damaged.
    /// </exception>
    public static IDataView LoadShards(this DataOperationsCatalog catalog, string folder)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        return ShardedView.Open(Contexts.GetEnvironment(catalog), folder, CancellationToken.None);
    }

    /// <summary>
    /// Writes the rows of all shards, as <see cref="LoadShards"/> gives them, to one file: what one process would write of
    /// <c>model.Transform(data)</c>. Written to a temporary file beside it and renamed. Only some rows are in memory at a time.
    /// </summary>
    /// <param name="catalog">The operations on data.</param>
    /// <param name="folder">The folder of the scores.</param>
    /// <param name="path">
    /// Path of the file; an existing file is replaced. By its extension: <c>.idv</c> for <c>ml.Data.LoadFromBinary</c>, <c>.tsv</c> and
    /// <c>.txt</c> (with tabs) or <c>.csv</c> (with commas) for <c>ml.Data.LoadFromTextFile</c>, as <c>ml.Data.SaveAsText</c> writes.
    /// </param>
    /// <param name="cancellationToken">Cancels the writing; no file is written then.</param>
    /// <exception cref="ArgumentException">The extension is another.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder has no scores.</exception>
    /// <exception cref="InvalidOperationException">Shards are not complete, or have read different data.</exception>
    /// <exception cref="InvalidDataException">A file is missing, damaged or not of this scoring.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static void MergeShards(
        this DataOperationsCatalog catalog, string folder, string path, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var extension = Path.GetExtension(path).ToLowerInvariant();
        Action<IDataView, Stream> save = extension switch
        {
            ".idv" => (rows, stream) => catalog.SaveAsBinary(rows, stream),
            ".tsv" or ".txt" => (rows, stream) => catalog.SaveAsText(rows, stream),
            ".csv" => (rows, stream) => catalog.SaveAsText(rows, stream, separatorChar: ','),
            _ => throw new ArgumentException($"'{path}' ends with '{extension}'. Expected .idv, .tsv, .txt or .csv.", nameof(path)),
        };
        var merged = ShardedView.Open(Contexts.GetEnvironment(catalog), folder, cancellationToken);
        try
        {
            AtomicFile.Write(path, stream => save(merged, stream));
        }
        catch (InvalidOperationException e) when (e.InnerException is { } cause)
        {
            ExceptionDispatchInfo.Throw(cause); // the binary saver wraps what its threads throw
        }
    }
}
