using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Heads;
using MlNetFineTune.MlNet;
using MlNetFineTune.Rows;
using MlNetFineTune.Scoring;
using MlNetFineTune.WeightFiles;

namespace MlNetFineTune;

/// <summary>
/// A fine-tuned image classifier: adds the class probabilities and the predicted label to data with an image column.
/// Scores many rows in one forward pass; safe to use from several threads; saved and loaded by <c>ml.Model</c>.
/// </summary>
/// <remarks>It holds native memory: dispose it when it is no longer needed. A cursor in use then throws <see cref="ObjectDisposedException"/>. ML.NET's <c>PredictionEngine</c> disposes its model with itself unless <c>PredictionEngineOptions.OwnsTransformer</c> is false.</remarks>
public sealed class ImageFineTuningTransformer : ITransformer, ICanSaveModel, IDisposable
{
    // Pictures in one forward pass, of 224 pixels or less; fewer of larger ones. On a CPU larger batches are slower, not faster, for MobileNetV2
    // and ResNet-18: their activations leave the caches. A GPU wants to be filled.
    private const int LargestBatchOnCpu = 16;
    private const int LargestBatchOnGpu = 64;

    private readonly IHost _host;
    private readonly ImageScorer _scorer;
    private readonly LabelKeys _keys;
    private readonly ModelManifest _manifest;

    internal ImageFineTuningTransformer(IHostEnvironment env, ImageClassifier classifier, LabelKeys keys, ModelManifest manifest, TrainingReport? report)
        : this(env, new ImageScorer(new SharedClassifier(classifier), keys.Count, manifest.ScoringViews()), keys, manifest, report)
    {
    }

    private ImageFineTuningTransformer(IHostEnvironment env, ImageScorer scorer, LabelKeys keys, ModelManifest manifest, TrainingReport? report)
    {
        _host = env.Register(nameof(ImageFineTuningTransformer));
        _keys = keys;
        _manifest = manifest;
        _scorer = scorer;
        TestTimeAugmentation = TestTimeAugmentation.FromText(manifest.TestTimeAugmentation);
        Report = report;
    }

    /// <summary>What happened in training; null for a model that was loaded.</summary>
    public TrainingReport? Report { get; }

    /// <summary>Which views of a picture are scored.</summary>
    public TestTimeAugmentation TestTimeAugmentation { get; }

    /// <summary>The class names, in the order of the scores.</summary>
    public IReadOnlyList<string> Classes => _keys.Names;

    internal ImageScorer Scorer => _scorer;

    // In rows.
    private int BatchSize
    {
        get
        {
            var size = _manifest.Backbone.Preprocessing.Size;
            var largest = _scorer.IsOnGpu ? LargestBatchOnGpu : LargestBatchOnCpu;
            return Math.Max(Math.Clamp(largest * 224 * 224 / (size * size), 1, largest) / _scorer.Views.Count, 1);
        }
    }

    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>The input's schema with the score, the predicted label and, if it was named, the picture's status added.</summary>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        CheckImageColumn(inputSchema);
        return OutputSchemaFor(inputSchema);
    }

    /// <summary>The input with the score, the predicted label and, if it was named, the picture's status added. Nothing is computed before a cursor asks for it.</summary>
    /// <param name="input">Has the image column of training.</param>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(_host, input, this);
    }

    /// <summary>
    /// The same model that scores other views of each picture. Both share one network, which is freed when both are disposed: dispose each when it
    /// is no longer needed, in any order; neither touches the other.
    /// </summary>
    /// <param name="augmentation">Saved with the model that is returned.</param>
    /// <exception cref="ArgumentException">A view would reach beyond the picture.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ImageFineTuningTransformer WithTestTimeAugmentation(TestTimeAugmentation augmentation)
    {
        ArgumentNullException.ThrowIfNull(augmentation);
        var manifest = _manifest with { TestTimeAugmentation = augmentation.ToString() };
        return new ImageFineTuningTransformer(_host, _scorer.Share(manifest.ScoringViews()), _keys, manifest, Report);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowToRowMapperTransform(
        _host, new EmptyDataView(_host, inputSchema), new ImageRowMapper(_host, this, inputSchema), schema => new ImageRowMapper(_host, this, schema));

    /// <summary>Writes the network's weights, with the tensor names of the original and the new classifier, as a file that Python reads too.</summary>
    /// <param name="path"><c>.safetensors</c>, or <c>.pth</c>, <c>.pt</c>, <c>.bin</c> for a state dictionary that <c>torch.load</c> reads. Written beside and renamed.</param>
    /// <exception cref="ArgumentException">The extension is another.</exception>
    public void SaveWeights(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        _scorer.Read(classifier => WeightFileWriter.Write(path, classifier.NamedTensors(), classifier.Definition.Recipe.ToMetadata()));
    }

    /// <summary>Frees the network's memory, after scoring that is under way.</summary>
    public void Dispose() => _scorer.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx) => _scorer.Read(classifier => ModelArchive.Save(_host, ctx, classifier, _keys, _manifest));

    internal DataViewSchema OutputSchemaFor(DataViewSchema input)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(CreateOutputColumns(input));
        return builder.ToSchema();
    }

    internal DataViewSchema.DetachedColumn[] CreateOutputColumns(DataViewSchema input) =>
        OutputColumns.Create(input, _manifest.Columns.Score, _manifest.Columns.PredictedLabel, _manifest.Columns.ImageStatus, _keys);

    internal DataViewSchema.Column CheckImageColumn(DataViewSchema schema) => _manifest.Columns.Input.In(schema, _host, "input", "image");

    internal ScoredBatch CreateBatch(DataViewRow row, DataViewSchema.Column image) => CreateBatch(row, image, BatchSize);

    internal ScoredBatch CreateBatch(DataViewRow row, DataViewSchema.Column image, int capacity) =>
        new(_scorer, new RowImages(_manifest.Columns.Input.CreateReader(row, image), capacity), capacity);
}
