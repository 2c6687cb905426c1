using System.Text;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.WeightFiles;
using TorchSharp;

namespace MlNetFineTune;

/// <summary>
/// A fine-tuned network as an ML.NET transformer: it scores rows in batches and works in chains, with <c>PredictionEngine</c> and with
/// <c>ml.Model.Save</c>. It owns the native memory of the network: dispose it. Thread-safe.
/// </summary>
public sealed class FineTuningTransformer
    : ISingleFeaturePredictionTransformer<FineTuningTransformer>, ISingleFeaturePredictionTransformer, ICanSaveModel,
    IBatchedTransformer, IFineTunedModel, IDisposable
{
    private const string OnnxOfPictures =
        "ml.FineTuning.ExportOnnx(model, path) does, and ToOnnxPipeline makes a chain of ML.NET's own transformers of it "
        + "(package MlNetFineTune.Onnx).";

    private const string OnnxOfTexts =
        "ml.FineTuning.ExportOnnx(model, path) does, and ToOnnxPipeline makes a chain of it that scores with ONNX Runtime "
        + "(package MlNetFineTune.Onnx).";

    private const string OnnxOfModules =
        "ml.FineTuning.ExportOnnx(model, path) (package MlNetFineTune.Onnx) does, where the module is a Sequential of layers that it "
        + "knows (docs/modules.md); another is exported in Python, from the weights that SaveWeights writes.";

    private readonly FineTunedModel _model;
    private readonly NetworkScoring _scoring;

    internal FineTuningTransformer(IHostEnvironment env, FineTunedModel model, TrainingReport? report)
        : this(env, model, new NetworkScorer(new SharedNetwork(model.Network, model.Input), model.Function, model.Views), report)
    {
    }

    private FineTuningTransformer(IHostEnvironment env, FineTunedModel model, NetworkScorer scorer, TrainingReport? report)
    {
        Host = env.Register(nameof(FineTuningTransformer));
        _model = model;
        Scorer = scorer;
        Report = report;
        TestTimeAugmentation = TestTimeAugmentation.FromCode(model.Manifest.TestTimeAugmentation);
        Layers = model.Manifest.Training.Layers ?? ModelLayer.Of(model.Network);
        _scoring = new NetworkScoring(Host, this, model.Input, model.Columns, scorer)
        {
            OnnxAdvice = model.Manifest.Encoder.IsOfPictures ? OnnxOfPictures
                : model.Input switch
                {
                    WordInput => WordInput.WhyNoOnnx,
                    AnswerInput => AnswerInput.WhyNoOnnx,
                    TextInput => OnnxOfTexts,
                    _ => OnnxOfModules,
                },
        };
    }

    /// <summary>The report of the training; null in a loaded model.</summary>
    public TrainingReport? Report { get; }

    /// <summary>
    /// Result of the calibration on the validation rows, also in a loaded model; null if the probabilities are not calibrated.
    /// </summary>
    public Calibration.Report? Calibration => _model.Task.Calibration;

    /// <summary>
    /// Result of the calibration of <see cref="FineTuningOptions.Conformal"/>, also in a loaded model; null without it.
    /// </summary>
    public ConformalPrediction.Report? Conformal => _model.Conformal?.Report;

    /// <summary>Names of the classes or labels, in the order of the scores; empty if the task has none.</summary>
    public IReadOnlyList<string> Classes => _model.Task.ClassNames is { } names && names.Count == _model.Task.Outputs ? names : [];

    /// <summary>
    /// For <see cref="LearningTask.MultiLabel"/>: for each label the probability above which <c>PredictedLabel</c> contains it, from 0 to
    /// 1, in the order of <see cref="Classes"/>. Empty for other tasks.
    /// </summary>
    public IReadOnlyList<float> LabelThresholds => _model.Task.LabelThresholds;

    /// <summary>
    /// For <see cref="LearningTask.Binary"/>: the probability above which <c>PredictedLabel</c> is true; for
    /// <see cref="LearningTask.QuestionAnswering"/>: the <c>NoAnswerProbability</c> above which no answer is predicted. From 0 to 1, as set
    /// or tuned by <see cref="DecisionThreshold"/>, also in a loaded model. Null for other tasks.
    /// </summary>
    public float? ProbabilityThreshold => _model.Task.ProbabilityThreshold;

    /// <summary>
    /// The layers of the network from input to output, and which of them were trained: the stages by name (<see cref="Backbone.Stages"/> of
    /// an image network), then <c>head</c>. Saved with the model; model files of earlier versions of this library contain names and sizes
    /// only.
    /// </summary>
    public IReadOnlyList<ModelLayer> Layers { get; }

    /// <summary>The views of a picture that are scored and averaged.</summary>
    public TestTimeAugmentation TestTimeAugmentation { get; }

    /// <summary>
    /// What computes the stages of the network below its head: "libtorch", or the name and version of ONNX Runtime in a model that
    /// <c>WithOnnxRuntime</c> (package MlNetFineTune.Onnx) has returned and that did not fall back.
    /// </summary>
    public string ScoringEngine => Scorer.Engine;

    internal IHost Host { get; }

    internal NetworkScorer Scorer { get; }

    internal ModelInput Inputs => _model.Input;

    internal BoundTask Task => _model.Task;

    internal ScoreColumns Columns => _model.Columns;

    internal ConformalModel? ConformalModel => _model.Conformal;

    internal ModelManifest Manifest => _model.Manifest;

    bool ITransformer.IsRowToRowMapper => true;

    int IBatchedTransformer.BatchSize => _scoring.BatchSize;

    // ML.NET's PermutationFeatureImportance requires this interface, of a model with a single column of numbers, which it permutes. It does
    // not use the model itself.
    FineTuningTransformer IPredictionTransformer<FineTuningTransformer>.Model => this;

    string ISingleFeaturePredictionTransformer<FineTuningTransformer>.FeatureColumnName => Feature.Name;

    string ISingleFeaturePredictionTransformer.FeatureColumnName => Feature.Name;

    DataViewType ISingleFeaturePredictionTransformer<FineTuningTransformer>.FeatureColumnType => Feature.Type;

    private (string Name, VectorDataViewType Type) Feature => Inputs.Numbers ?? throw Host.ExceptNotSupp(
        "This model has no one column of features (a vector of Single): what it reads are pictures, keys, or several columns, and "
        + "PermutationFeatureImportance permutes the slots of one column. Train on one column that Concatenate makes, or shuffle a column "
        + "of the test data and compare what Evaluate gives (docs/modules.md).");

    /// <summary>The columns of the input and those that the model adds.</summary>
    /// <param name="inputSchema">The columns of the input.</param>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        Inputs.ColumnsOf(Host, inputSchema);
        return _scoring.OutputSchemaFor(inputSchema);
    }

    /// <summary>Adds the columns of the model to the data. Lazy: rows are scored in batches when a cursor reads them.</summary>
    /// <param name="input">The rows to score.</param>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(input, _scoring);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => _scoring.CreateRowMapper(inputSchema);

    /// <summary>
    /// Writes the weights only, adapters merged, under the parameter names of the PyTorch original: as safetensors, or as a PyTorch state
    /// dict if the file's extension is <c>.pth</c> or <c>.pt</c>. Written to a temporary file and renamed.
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
    /// Writes what the training added to or changed in the pretrained weights, usually a few megabytes: adapters, head and replaced stages,
    /// with columns and classes, as safetensors. <c>ml.Model.LoadAdapter</c> applies it to the same weights of a backbone or module.
    /// </summary>
    /// <param name="path">Path of the file; an existing file is replaced.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter, or it has a novelty score.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void SaveAdapter(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (_model.Conformal?.Nearest is not null)
        {
            throw new InvalidOperationException(
                "The model has a novelty score, whose features an adapter's file does not hold: save the model with ml.Model.Save, or "
                + "train with Novelty = NoveltyScore.None.");
        }
        Scorer.Read(network => AdapterFile.Save(Host, path, network, Task, Manifest));
    }

    /// <summary>
    /// Writes a model card: Markdown in the form of Hugging Face's model cards, with metadata as YAML at its head, from what the model
    /// records: task, input, network, weights and their SHA-256, classes, rows, options, seed, versions, and the metrics on the validation
    /// rows. What it does not know (licence, intended use, origin of the data, rows of each class, results on test data) is marked as not
    /// recorded. Names of classes are escaped. Written to a temporary file and renamed.
    /// </summary>
    /// <param name="path">Path of the file, such as <c>README.md</c>; an existing file is replaced.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void WriteCard(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var card = new ModelCard(Manifest, Task.Heads, Layers, ComputeWeightsSha256()).Write();
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(card)));
    }

    /// <summary>
    /// Returns a model of the same network that scores other views of each picture. Both share the network, whose memory is freed when the
    /// last of them is disposed. The caller disposes the result.
    /// </summary>
    /// <param name="augmentation">The views of each picture; <see cref="TestTimeAugmentation.None"/> for the centre crop only.</param>
    /// <exception cref="ArgumentException">
    /// The views do not fit the preprocessing, or the model's input is not one column of pictures.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public FineTuningTransformer WithTestTimeAugmentation(TestTimeAugmentation augmentation)
    {
        ArgumentNullException.ThrowIfNull(augmentation);
        var model = _model with { Manifest = Manifest with { TestTimeAugmentation = augmentation.Code } };
        return new FineTuningTransformer(Host, model, Scorer.Share(model.Views), Report);
    }

    /// <summary>A model on the same network and the same engine. Each is disposed independently.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal FineTuningTransformer Share() => new(Host, _model, Scorer.Share(Scorer.Views), Report);

    /// <summary>A model on the same network, with an engine. Each is disposed independently.</summary>
    /// <param name="engine">Computes the stages below the head. Ownership is transferred, unless this throws.</param>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal FineTuningTransformer With(StageEngine engine) => new(Host, _model, Scorer.With(engine), Report);

    /// <summary>
    /// Returns a copy whose weights are rounded to half precision, so that its file is half as large. It computes in single precision, at
    /// the same speed; scores change in the third significant digit or less. The caller disposes it.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public FineTuningTransformer WithHalfPrecisionWeights()
    {
        FineTunedNetwork? copy = null;
        Scorer.Read(network => copy = HalfWeights.Fill(network, ModelArchive.WithAdapters(network.CreateAlike(Task.CreateHead), Manifest)));
        var manifest = Manifest with
        {
            WeightPrecision = WeightPrecision.Float16,
            ProbeScores = Probe.Score(copy!, Inputs, _model.Function),
        };
        return new FineTuningTransformer(Host, _model with { Network = copy!, Manifest = manifest }, Report);
    }

    /// <summary>Frees the memory of the network once no thread scores rows with it.</summary>
    public void Dispose() => Scorer.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        Scorer.Read(network => ModelArchive.Save(Host, ctx, network, Task, Manifest, _model.Conformal?.Nearest));
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
            Text = network is TextNetwork { Text: var text } && Inputs.Tokenizer is { } tokenizer
                ? text with { Tokenizer = tokenizer }
                : null,
        });
        return source!;
    }

    /// <summary>
    /// The reasons why rows cannot be scored, in their order; null for a row that can be. Reads and encodes the rows, without the network.
    /// </summary>
    /// <param name="rows">Rows with the columns of the input.</param>
    internal IEnumerable<string?> WhyNotScored(IDataView rows)
    {
        using var cursor = rows.GetRowCursor(Inputs.ColumnsOf(Host, rows.Schema));
        using var reader = Inputs.Read(Host, cursor, places: 1);
        var sample = new byte[reader.Length];
        while (cursor.MoveNext())
        {
            reader.Take(0);
            yield return reader.Encode(0, Augmentation.None, sample);
        }
    }

    private string ComputeWeightsSha256()
    {
        var sha = "";
        Scorer.Read(network => sha = ArchiveFiles.Sha256Of(network, Manifest.WeightPrecision));
        return sha;
    }
}
