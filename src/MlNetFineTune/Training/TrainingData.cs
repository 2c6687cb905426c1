using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Rows;

namespace MlNetFineTune.Training;

/// <summary>The rows that train and the rows that judge, as <see cref="Validation"/> parts them.</summary>
internal sealed class TrainingData : IDisposable
{
    private readonly TrainingRows _source;
    private readonly TrainingRows? _validationSource;

    internal TrainingData(TrainingRows source, int[] training, RowSubset validation)
    {
        _source = source;
        _validationSource = validation.Source == source ? null : validation.Source;
        Training = new RowSubset(source, training);
        Validation = validation;
    }

    public RowSubset Training { get; }

    /// <summary>Empty without validation.</summary>
    public RowSubset Validation { get; }

    public static TrainingData Read(IHost host, IChannel channel, IDataView input, ImageFineTuningOptions options, LabelKeys keys, long seed)
    {
        var columns = new ImageColumns(options.LabelColumnName, options.ImageInput);
        var groupColumn = (options.Validation as Validation.FractionValidation)?.GroupColumn;
        var source = TrainingRows.Read(host, input, columns, LabelColumn.Reader, groupColumn, options.CancellationToken);
        TrainingData? result = null;
        try
        {
            if (source.WithoutLabel > 0)
                channel.Warning($"{source.WithoutLabel} rows have no label and are left out.");
            if (source.Count == 0)
                throw new InvalidOperationException("There is nothing to train on: the data have no row with a label.");
            var all = Enumerable.Range(0, source.Count).ToArray();
            var (training, validation) = options.Validation switch
            {
                Validation.FractionValidation fraction => Part(source, keys, fraction, seed),
                Validation.SetValidation set => (all, ReadSet(host, set.View, columns, keys, options.CancellationToken)),
                _ => (all, new RowSubset(source, [])),
            };
            result = new TrainingData(source, training, validation);
            WarnOfEmptyClasses(channel, keys, source, training);
            if (source.Images is StoredRows { SpooledBytes: > 0 and var bytes, TemporaryFolder: var folder })
                channel.Info($"The pictures of column '{options.ImageColumnName}' take {bytes >> 20} MiB in '{folder}' while training; a column of paths would need none.");
            return result;
        }
        catch
        {
            result?.Dispose();
            source.Dispose();
            throw;
        }
    }

    private static (int[], RowSubset) Part(TrainingRows source, LabelKeys keys, Validation.FractionValidation fraction, long seed)
    {
        var (training, validation) = StratifiedSplit.Split(source, keys.Count, fraction.Share, seed);
        if (training.Length == 0 || validation.Length == 0)
        {
            throw new InvalidOperationException(
                $"Validation.{fraction} of {source.Count} rows leaves {training.Length} rows to train and {validation.Length} to validate. Give more rows{(fraction.GroupColumn is null ? "" : $" or more groups in column '{fraction.GroupColumn}'")}, or set Validation = Validation.None.");
        }
        return (training, new RowSubset(source, validation));
    }

    private static RowSubset ReadSet(IHost host, IDataView view, ImageColumns columns, LabelKeys keys, CancellationToken cancellation)
    {
        if (view.Schema.GetColumnOrNull(columns.Label) is null)
            throw host.ExceptSchemaMismatch("validation", "validation label", columns.Label);
        columns.Image.In(view.Schema, host, "validation", "validation image");
        var rows = TrainingRows.Read(host, view, columns, (row, column) => LabelMatcher.Reader(host, row, column, keys), groupColumn: null, cancellation);
        if (rows.Count > 0)
            return new RowSubset(rows, [.. Enumerable.Range(0, rows.Count)]);
        rows.Dispose();
        throw new InvalidOperationException("Validation.Set: the data have no row with a label. Set Validation = Validation.None to train without.");
    }

    private static void WarnOfEmptyClasses(IChannel channel, LabelKeys keys, TrainingRows source, int[] training)
    {
        var counts = new int[keys.Count];
        foreach (var row in training)
            counts[source.Labels[row]]++;
        var empty = keys.Names.Where((_, c) => counts[c] == 0).ToList();
        if (keys.Count - empty.Count < 2)
        {
            throw new InvalidOperationException(
                $"Training needs rows of at least two classes, but all {training.Length} training rows are '{keys.Names[source.Labels[training[0]]]}' (classes: {string.Join(", ", keys.Names)}).");
        }
        if (empty.Count > 0)
            channel.Warning($"No training row is {string.Join(", ", empty.Take(20).Select(name => $"'{name}'"))}{(empty.Count > 20 ? $" and {empty.Count - 20} more classes" : "")}: the model cannot learn to recognise them.");
    }

    public void Dispose()
    {
        _source.Dispose();
        _validationSource?.Dispose();
    }
}
