using Microsoft.ML;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;

namespace MlNetFineTune;

/// <summary>
/// A fine-tuned image classifier: adds the class probabilities and the predicted label to data with an image column.
/// Scores many rows in one forward pass; safe to use from several threads; saved and loaded by <c>ml.Model</c>.
/// </summary>
public sealed class ImageFineTuningTransformer : FineTuningTransformer
{
    // Pictures in one forward pass, of 224 pixels or less; fewer of larger ones. On a CPU larger batches are slower, not faster, for MobileNetV2
    // and ResNet-18: their activations leave the caches. A GPU wants to be filled.
    private const int LargestBatchOnCpu = 16;
    private const int LargestBatchOnGpu = 64;

    private readonly LabelKeys _keys;
    private readonly ModelManifest _manifest;

    internal ImageFineTuningTransformer(IHostEnvironment env, ImageClassifier classifier, LabelKeys keys, ModelManifest manifest, TrainingReport? report)
        : this(env, new NetworkScorer(new SharedNetwork(classifier), MulticlassObjective.OfScoring(keys.Count, manifest.Calibration), manifest.ScoringViews()), keys, manifest, report)
    {
    }

    private ImageFineTuningTransformer(IHostEnvironment env, NetworkScorer scorer, LabelKeys keys, ModelManifest manifest, TrainingReport? report)
        : base(
            env, nameof(ImageFineTuningTransformer), scorer,
            new ImageSource(manifest.Columns.Input, new ImageEncoder(manifest.Backbone.Preprocessing)),
            new MulticlassColumns(manifest.Columns.Score, manifest.Columns.PredictedLabel, manifest.Columns.ImageStatus, keys),
            report)
    {
        _keys = keys;
        _manifest = manifest;
        TestTimeAugmentation = TestTimeAugmentation.FromText(manifest.TestTimeAugmentation);
    }

    /// <summary>Which views of a picture are scored.</summary>
    public TestTimeAugmentation TestTimeAugmentation { get; }

    /// <summary>The class names, in the order of the scores.</summary>
    public IReadOnlyList<string> Classes => _keys.Names;

    /// <inheritdoc/>
    public override Calibration.Report? Calibration => _manifest.Calibration;

    internal LabelKeys Keys => _keys;

    internal ModelManifest Manifest => _manifest;

    internal override int BatchSize
    {
        get
        {
            var size = _manifest.Backbone.Preprocessing.Size;
            var largest = Scorer.IsOnGpu ? LargestBatchOnGpu : LargestBatchOnCpu;
            return Math.Max(Math.Clamp(largest * 224 * 224 / (size * size), 1, largest) / Scorer.Views.Count, 1);
        }
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
        return new ImageFineTuningTransformer(Host, Scorer.Share(manifest.ScoringViews()), _keys, manifest, Report);
    }

    /// <summary>
    /// A copy whose weights are rounded to half precision and saved so, in half the bytes. It computes in single precision as before, with the rounded weights: what is evaluated is what is loaded.
    /// Biases, norms and their running statistics stay in single precision. Dispose each model for itself.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ImageFineTuningTransformer WithHalfPrecisionWeights()
    {
        ImageClassifier? copy = null;
        Scorer.Read(network => copy = HalfWeights.Fill(network, ModelArchive.CreateEmpty(((ImageClassifier)network).Definition, _keys.Count, _manifest)));
        var manifest = _manifest with { WeightPrecision = WeightPrecision.Float16, ProbeScores = Probe.Score(copy!, MulticlassObjective.OfScoring(_keys.Count, Calibration)) };
        return new ImageFineTuningTransformer(Host, copy!, _keys, manifest, Report);
    }

    /// <summary>
    /// Writes what a training with <see cref="Adapter"/> has changed, and nothing else: adapters, head, and stages that were replaced or drawn anew, with classes and preprocessing; some hundred
    /// KB for most networks. <c>ml.Model.LoadAdapter</c> makes the model of it again, from the same pretrained weights.
    /// </summary>
    /// <param name="path">A safetensors file; the adapters' names and shapes are PEFT's. Written beside and renamed.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    public void SaveAdapter(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        Scorer.Read(network => AdapterFile.Save(Host, path, (ImageClassifier)network, _keys, _manifest));
    }

    internal EarlierModel AsEarlier()
    {
        Backbone? definition = null;
        Scorer.Read(network => definition = ((ImageClassifier)network).Definition);
        return new EarlierModel(Scorer, _keys, definition!, _manifest.Backbone.SourceWeights, _manifest.WeightPrecision);
    }

    private protected override void Save(ModelSaveContext ctx, TrainableNetwork network) => ModelArchive.Save(Host, ctx, (ImageClassifier)network, _keys, _manifest);
}
