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

/// <summary>
/// A fine-tuned network as an ordinary ML.NET transformer: scores batches of rows, works in chains, <c>PredictionEngine</c> and
/// <c>ml.Model.Save</c>. It owns the network: dispose it. Safe for use from many threads.
/// </summary>
public sealed class FineTuningTransformer
    : ISingleFeaturePredictionTransformer<FineTuningTransformer>, ISingleFeaturePredictionTransformer, ICanSaveModel,
    IFineTunedModel, IDisposable
{
    private readonly FineTunedModel _model;

    internal FineTuningTransformer(IHostEnvironment env, FineTunedModel model, TrainingReport? report)
        : this(env, model, new NetworkScorer(new SharedNetwork(model.Network, model.Input), model.Task.Scoring, model.Views), report)
    {
    }

    private FineTuningTransformer(IHostEnvironment env, FineTunedModel model, NetworkScorer scorer, TrainingReport? report)
    {
        Host = env.Register(nameof(FineTuningTransformer));
        _model = model;
        Scorer = scorer;
        Report = report;
        TestTimeAugmentation = TestTimeAugmentation.FromCode(model.Manifest.TestTimeAugmentation);
    }

    /// <summary>The report of the training; null in a model that was loaded.</summary>
    public TrainingReport? Report { get; }

    /// <summary>
    /// Result of the calibration on the validation rows, also in a model that was loaded; null where probabilities are not calibrated.
    /// </summary>
    public Calibration.Report? Calibration => _model.Task.Calibration;

    /// <summary>Names of the classes or labels, in the order of the scores; empty where there are none.</summary>
    public IReadOnlyList<string> Classes => _model.Task.ClassNames is { } names && names.Count == _model.Task.Outputs ? names : [];

    /// <summary>
    /// Probabilities above which <c>PredictedLabel</c> has each label of <see cref="LearningTask.MultiLabel"/>, in the order of
    /// <see cref="Classes"/>; empty in models of other tasks.
    /// </summary>
    public IReadOnlyList<float> LabelThresholds => _model.Task.LabelThresholds;

    /// <summary>
    /// The probability above which <c>PredictedLabel</c> is true, as <see cref="DecisionThreshold"/> gave or tuned it, in a model that was
    /// loaded as well: from 0 to 1. Null where the task is not <see cref="LearningTask.Binary"/>.
    /// </summary>
    public float? ProbabilityThreshold => _model.Task.ProbabilityThreshold;

    /// <summary>The views of a picture that are scored, and averaged.</summary>
    public TestTimeAugmentation TestTimeAugmentation { get; }

    internal IHost Host { get; }

    internal NetworkScorer Scorer { get; }

    internal ModelInput Inputs => _model.Input;

    internal BoundTask Task => _model.Task;

    internal ScoreColumns Columns => _model.Task.Columns;

    internal ModelManifest Manifest => _model.Manifest;

    /// <summary>Rows in one forward pass.</summary>
    internal int BatchSize => Math.Max(Inputs.ScoringBatch(Scorer.IsOnGpu) / Scorer.Views.Count, 1);

    bool ITransformer.IsRowToRowMapper => true;

    // What ML.NET's PermutationFeatureImportance looks for: a model of one column of numbers, which it permutes.
    // It asks for nothing of the model itself.
    FineTuningTransformer IPredictionTransformer<FineTuningTransformer>.Model => this;

    string ISingleFeaturePredictionTransformer<FineTuningTransformer>.FeatureColumnName => Feature.Name;

    string ISingleFeaturePredictionTransformer.FeatureColumnName => Feature.Name;

    DataViewType ISingleFeaturePredictionTransformer<FineTuningTransformer>.FeatureColumnType => Feature.Type;

    private (string Name, VectorDataViewType Type) Feature => Inputs.Numbers ?? throw Host.ExceptNotSupp(
        "This model has no one column of features (a vector of Single): what it reads are pictures, keys, or several columns, and "
        + "PermutationFeatureImportance permutes the slots of one column. Train on one column that Concatenate makes, or shuffle a column "
        + "of the test data and compare what Evaluate gives (docs/modules.md).");

    /// <summary>The columns of the data, and those that the model adds.</summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        Inputs.ColumnsOf(Host, inputSchema);
        return OutputSchemaFor(inputSchema);
    }

    /// <summary>Adds the columns of the model to the data. Lazy: rows are scored in batches when a cursor reads them.</summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(Host, input, this);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowToRowMapperTransform(
        Host, new EmptyDataView(Host, inputSchema), new ScoringRowMapper(Host, this, inputSchema),
        schema => new ScoringRowMapper(Host, this, schema));

    /// <summary>
    /// Writes the weights alone, adapters merged, under the names that PyTorch's libraries know: safetensors, or a PyTorch state dict
    /// (<c>.pth</c>, <c>.pt</c>), by the extension of the file. Written to a temporary file and renamed.
    /// </summary>
    /// <param name="path">Path of the file; an existing file is replaced.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void SaveWeights(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        Scorer.Read(network =>
        {
            using var scope = torch.NewDisposeScope();
            WeightFileWriter.Write(path, network.PlainTensors(), network.Metadata);
        });
    }

    /// <summary>
    /// Writes what training changed beside the pretrained weights, a file of some megabytes: adapters, head and replaced stages, with
    /// columns and classes. <c>ml.Model.LoadAdapter</c> puts it on the same weights again, of a backbone or of a module.
    /// </summary>
    /// <param name="path">Path of the file; an existing file is replaced.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void SaveAdapter(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        Scorer.Read(network => AdapterFile.Save(Host, path, network, Task, Manifest));
    }

    /// <summary>
    /// A model of the same network that scores other views of each picture. Both models share the network, which is
    /// freed when the last of them is disposed.
    /// </summary>
    /// <exception cref="ArgumentException">The views do not fit the preprocessing, or the input is not one column of pictures.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public FineTuningTransformer WithTestTimeAugmentation(TestTimeAugmentation augmentation)
    {
        ArgumentNullException.ThrowIfNull(augmentation);
        var model = _model with { Manifest = Manifest with { TestTimeAugmentation = augmentation.Code } };
        return new FineTuningTransformer(Host, model, Scorer.Share(model.Views), Report);
    }

    /// <summary>
    /// A copy whose weights are rounded to half precision, so that its file is half as large. It computes in single precision, as fast as
    /// before; scores differ in the third digit or less. The caller disposes it.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public FineTuningTransformer WithHalfPrecisionWeights()
    {
        FineTunedNetwork? copy = null;
        Scorer.Read(network => copy = HalfWeights.Fill(network, ModelArchive.WithAdapters(network.CreateAlike(Task.CreateHead), Manifest)));
        var manifest = Manifest with { WeightPrecision = WeightPrecision.Float16, ProbeScores = Probe.Score(copy!, Inputs, Task.Scoring) };
        return new FineTuningTransformer(Host, _model with { Network = copy!, Manifest = manifest }, Report);
    }

    /// <summary>Frees the memory of the network when no row is being scored any more.</summary>
    public void Dispose() => Scorer.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        Scorer.Read(network => ModelArchive.Save(Host, ctx, network, Task, Manifest));
        ArchivedModels.Add(ctx.Repository, ctx.Directory, this);
    }

    SourceModel IFineTunedModel.AsSource()
    {
        SourceModel? source = null;
        Scorer.Read(network => source = new SourceModel(
            Scorer.Read, ComputeWeightsSha256, Task.ExclusiveClasses, network.Definition,
            Manifest.Encoder.WeightsOrigin)
        {
            ReadsTable = Manifest.Encoder.TableLayers is not null,
            Name = network.Name,
            Pixels = Inputs.Pixels,
            Input = Inputs.Form,
        });
        return source!;
    }

    private string ComputeWeightsSha256()
    {
        var sha = "";
        Scorer.Read(network => sha = ArchiveFiles.Sha256Of(network, Manifest.WeightPrecision));
        return sha;
    }

    internal DataViewSchema OutputSchemaFor(DataViewSchema input)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(Columns.Create(input));
        return builder.ToSchema();
    }

    internal EncodedBatch CreateBatch(DataViewRow row, int capacity) => new(Inputs.Read(Host, row, capacity), Scorer.Views, capacity);
}
