using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;

namespace MlNetFineTune.Training;

/// <summary>The training rows and validation rows, split by <see cref="ValidationData"/>.</summary>
internal sealed class TrainingData : IDisposable
{
    private readonly LabeledData _source;
    private readonly LabeledData? _validationSource;

    internal TrainingData(LabeledData source, int[] training, RowSubset validation, RowSubset? calibration = null)
    {
        _source = source;
        _validationSource = validation.Source == source ? null : validation.Source;
        Training = new RowSubset(source, training);
        Validation = validation;
        Calibration = calibration ?? validation with { Rows = [] };
    }

    public RowSubset Training { get; }

    /// <summary>The validation rows; empty without validation.</summary>
    public RowSubset Validation { get; }

    /// <summary>
    /// The rows for conformal prediction: kept out of <see cref="Validation"/>, or the same rows if no fraction is kept; empty without it.
    /// </summary>
    public RowSubset Calibration { get; }

    public static TrainingData Read(
        IHost host, IChannel channel, IDataView input, FineTuningOptions options, ModelInput inputs, LabelSource labels, long seed)
    {
        var groupColumn = (options.Validation as ValidationData.FractionValidation)?.GroupColumn;
        // before the training rows are read
        var set = options.Validation is ValidationData.SetValidation { View: var view }
            ? ValidationRows.Find(host, view, inputs, labels, options)
            : null;
        var source = LabeledData.Read(
            host, input, inputs, labels, row => labels.Reader(host, row),
            WeightColumn.Find(host, input.Schema, options.ExampleWeightColumnName), groupColumn, options.CancellationToken);
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
                ValidationData.FractionValidation fraction => Part(source, labels, fraction, seed),
                _ when set is not null => (all, set.Read(host, channel, inputs, options.CancellationToken)),
                _ => (all, new RowSubset(source, [])),
            };
            var (selection, calibration) = options.Conformal switch
            {
                null => (validation, validation with { Rows = [] }),
                { CalibrationFraction: 0 } => (validation, validation),
                { CalibrationFraction: var share } => CalibrationSplit.Split(validation, share, seed),
            };
            result = new TrainingData(source, training, selection, calibration);
            labels.Check(channel, result.Training.LabelsOf(training));
            if (selection.Rows.Length == 0 && validation.Rows.Length > 0)
            {
                throw new InvalidOperationException(
                    $"Conformal keeps all {validation.Rows.Length} validation rows, and none is left to select the epoch: "
                    + "lower CalibrationFraction, or give more validation rows.");
            }
            CheckWeights(result.Training, "training", options);
            CheckWeights(result.Validation, "validation", options);
            if (source.Inputs.DescribeStorage() is { } storage)
                channel.Info(storage);
            return result;
        }
        catch
        {
            result?.Dispose();
            source.Dispose();
            throw;
        }
    }

    /// <exception cref="InvalidOperationException">No training row could be read.</exception>
    public void RequireReadable(int batches)
    {
        if (batches == 0)
            throw AgreedFailure.Of(new InvalidOperationException(
                $"None of the {Training.Rows.Length} training {Training.Source.Inputs.Noun}s could be read."));
    }

    private static (int[], RowSubset) Part(LabeledData source, LabelSource labels, ValidationData.FractionValidation fraction, long seed)
    {
        var (training, validation) = labels.Split(source, fraction.Share, seed);
        if (training.Length == 0 || validation.Length == 0)
        {
            throw new InvalidOperationException(
                $"ValidationData.{fraction} of {source.Count} rows leaves {training.Length} rows to train and {validation.Length} "
                + "to validate. "
                + $"Give more rows{(fraction.GroupColumn is null ? "" : $" or more groups in column '{fraction.GroupColumn}'")}, "
                + "or set Validation = ValidationData.None.");
        }
        return (training, new RowSubset(source, validation));
    }

    private static void CheckWeights(RowSubset subset, string what, FineTuningOptions options)
    {
        if (subset.Rows.Length > 0 && subset.WeightsOf(subset.Rows) is { } weights && weights.All(weight => weight == 0))
            throw new InvalidOperationException(
                $"All {weights.Length} {what} rows have weight 0 in column '{options.ExampleWeightColumnName}': none of them counts.");
    }

    public void Dispose()
    {
        _source.Dispose();
        _validationSource?.Dispose();
    }
}
