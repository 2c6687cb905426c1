using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.WeightFiles;
using TorchSharp;

namespace MlNetFineTune;

/// <summary>A fine-tuned network. Scores many rows in one forward pass; safe to use from several threads; saved and loaded by <c>ml.Model</c>.</summary>
/// <remarks>It holds native memory: dispose it when it is no longer needed. A cursor in use then throws <see cref="ObjectDisposedException"/>. ML.NET's <c>PredictionEngine</c> disposes its model with itself unless <c>PredictionEngineOptions.OwnsTransformer</c> is false.</remarks>
public abstract class FineTuningTransformer
    : ISingleFeaturePredictionTransformer<FineTuningTransformer>, ISingleFeaturePredictionTransformer, ICanSaveModel, IDisposable
{
    private protected FineTuningTransformer(IHostEnvironment env, string component, NetworkScorer scorer, InputSource inputs, ScoreColumns columns, TrainingReport? report)
    {
        Host = env.Register(component);
        Scorer = scorer;
        Inputs = inputs;
        Columns = columns;
        Report = report;
    }

    /// <summary>What happened in training; null for a model that was loaded.</summary>
    public TrainingReport? Report { get; }

    /// <summary>How its probabilities are calibrated, and below which scores a row is better given to a person; null where they are the network's own.</summary>
    public abstract Calibration.Report? Calibration { get; }

    internal IHost Host { get; }

    internal NetworkScorer Scorer { get; }

    internal InputSource Inputs { get; }

    internal ScoreColumns Columns { get; }

    /// <summary>Rows in one forward pass.</summary>
    internal abstract int BatchSize { get; }

    bool ITransformer.IsRowToRowMapper => true;

    // What ML.NET's PermutationFeatureImportance looks for: a model of one column of numbers, which it permutes. It asks for nothing of
    // the model itself.
    FineTuningTransformer IPredictionTransformer<FineTuningTransformer>.Model => this;

    string ISingleFeaturePredictionTransformer<FineTuningTransformer>.FeatureColumnName => Feature.Name;

    string ISingleFeaturePredictionTransformer.FeatureColumnName => Feature.Name;

    DataViewType ISingleFeaturePredictionTransformer<FineTuningTransformer>.FeatureColumnType => Feature.Type;

    private (string Name, VectorDataViewType Type) Feature => Inputs.Numbers ?? throw Host.ExceptNotSupp(
        "This model has no one column of features (a vector of Single): what it reads are pictures, keys, or several columns, and "
        + "PermutationFeatureImportance permutes the slots of one column. Train on one column that Concatenate makes, or shuffle a column "
        + "of the test data and compare what Evaluate gives (docs/modules.md).");

    /// <summary>The input's schema with the output columns added.</summary>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        Inputs.ColumnsOf(Host, inputSchema);
        return OutputSchemaFor(inputSchema);
    }

    /// <summary>The input with the output columns added. Nothing is computed before a cursor asks for it.</summary>
    /// <param name="input">Has the input columns of training.</param>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(Host, input, this);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowToRowMapperTransform(
        Host, new EmptyDataView(Host, inputSchema), new ScoringRowMapper(Host, this, inputSchema), schema => new ScoringRowMapper(Host, this, schema));

    /// <summary>Writes the network's weights under their own names (those of the original, where there is one) as a file that Python reads too. Adapters are merged into them.</summary>
    /// <param name="path"><c>.safetensors</c>, or <c>.pth</c>, <c>.pt</c>, <c>.bin</c> for a state dictionary that <c>torch.load</c> reads. Written beside and renamed.</param>
    /// <exception cref="ArgumentException">The extension is another.</exception>
    public void SaveWeights(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        Scorer.Read(network =>
        {
            using var scope = torch.NewDisposeScope();
            WeightFileWriter.Write(path, network.PlainTensors(), network.Metadata);
        });
    }

    /// <summary>Frees the network's memory, after scoring that is under way.</summary>
    public void Dispose() => Scorer.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx) => Scorer.Read(network => Save(ctx, network));

    internal DataViewSchema OutputSchemaFor(DataViewSchema input)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(Columns.Create(input));
        return builder.ToSchema();
    }

    internal EncodedBatch CreateBatch(DataViewRow row, int capacity) => new(Inputs.Read(Host, row, capacity), Scorer.Views, capacity);

    private protected abstract void Save(ModelSaveContext ctx, TrainableNetwork network);
}
