using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Augmentations;
using MlNetFineTune.Heads;
using MlNetFineTune.MlNet;
using MlNetFineTune.Rows;
using MlNetFineTune.Scoring;
using MlNetFineTune.Strategies;
using MlNetFineTune.Training;
using TorchSharp;

namespace MlNetFineTune;

/// <summary>Fine-tunes a pretrained network into an image classifier.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Input and output columns
/// | Column | Type | Description |
/// | -- | -- | -- |
/// | Label | Key of any raw type | The class. Rows without one are left out. |
/// | ImagePath | Text, or an image column of `LoadImages` | The picture. |
/// | Score (output) | Vector of Single | Probabilities of the classes; NaN where the picture cannot be read. |
/// | PredictedLabel (output) | Key | The most probable class; missing where the picture cannot be read. |
///
/// ### Characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Multiclass classification |
/// | Is normalization required? | No: pixels are normalised as the weights expect |
/// | Is caching required? | No |
/// | Required NuGet in addition to Microsoft.ML | MlNetFineTune, and a native libtorch package |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class ImageFineTuningTrainer : IEstimator<ImageFineTuningTransformer>
{
    private readonly IHostEnvironment _env;
    private readonly ImageFineTuningOptions _options;
    private readonly TrainingPlan _plan;

    internal ImageFineTuningTrainer(IHostEnvironment env, ImageFineTuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.EarlyStoppingPatience is not null && options.Validation is Validation.NoValidation)
            throw new ArgumentException("EarlyStoppingPatience needs validation: it waits for the validation to improve.", nameof(options));
        if (string.IsNullOrWhiteSpace(options.ScoreColumnName) || string.IsNullOrWhiteSpace(options.PredictedLabelColumnName) || options.ScoreColumnName == options.PredictedLabelColumnName)
            throw new ArgumentException($"ScoreColumnName ('{options.ScoreColumnName}') and PredictedLabelColumnName ('{options.PredictedLabelColumnName}') must be two different names.", nameof(options));
        if (3L * options.Backbone.Preprocessing.Size * options.Backbone.Preprocessing.Size * options.BatchSize > Array.MaxLength)
            throw new ArgumentException($"BatchSize {options.BatchSize} pictures of {options.Backbone.Preprocessing.Size} pixels do not fit into one buffer: lower BatchSize.", nameof(options));
        BatchAugmentation.Check(options.Augmentation, options.Epochs);
        TorchRuntime.EnsureLoaded();
        _plan = options.Strategy.Resolve(options.Backbone, options.Backbone.Stages); // fails here rather than after reading the data
        _env = env;
        _options = options;
    }

    /// <summary>Trains on all rows of <paramref name="input"/>, less those that validate. Every call starts fresh.</summary>
    /// <exception cref="OperationCanceledException"><see cref="ImageFineTuningOptions.CancellationToken"/> asked for it.</exception>
    public ImageFineTuningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShape.Create(input.Schema)); // checks the columns
        // Registered now: a host keeps the device and temporary folder that its context has when it is made.
        var host = _env.Register(nameof(ImageFineTuningTrainer));
        using var channel = host.Start("FineTuneImages");
        // Both are per thread, and the caller may have turned gradients off.
        using var ordinary = torch.inference_mode(false);
        using var gradients = torch.enable_grad();
        var seed = _options.Seed ?? Contexts.Seed(host) ?? 0;
        var device = Devices.Choose(host, channel);
        var keys = LabelKeys.Of(input.Schema[_options.LabelColumnName]);

        using var data = TrainingData.Read(host, channel, input, _options, keys, seed);
        var classifier = ImageClassifier.Create(_options.Backbone, keys.Count, seed, message => channel.Info(message));
        try
        {
            classifier.MoveTo(device);
            var report = new TrainingLoop(classifier, _plan, data, _options, seed, host, channel).Run();
            classifier.PrepareForScoring();
            return new ImageFineTuningTransformer(host, classifier, keys, ManifestOf.Training(_options, classifier, keys, report, seed), report);
        }
        catch
        {
            classifier.Dispose();
            throw;
        }
    }

    /// <summary>What <see cref="Fit"/> will add, after checking that label and image are there and of a known type.</summary>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (!inputSchema.TryFindColumn(_options.LabelColumnName, out var label))
            throw _env.ExceptSchemaMismatch(nameof(inputSchema), "label", _options.LabelColumnName);
        if (!label.IsKey || label.Kind != SchemaShape.Column.VectorKind.Scalar)
            throw _env.ExceptSchemaMismatch(nameof(inputSchema), "label", label.Name, "Key (Conversion.MapValueToKey makes one)", label.GetTypeString());
        if (!inputSchema.TryFindColumn(_options.ImageColumnName, out var image))
            throw _env.ExceptSchemaMismatch(nameof(inputSchema), "image", _options.ImageColumnName);
        if (image.Kind != SchemaShape.Column.VectorKind.Scalar || image.ItemType is not (TextDataViewType or ImageDataViewType))
            throw _env.ExceptSchemaMismatch(nameof(inputSchema), "image", image.Name, ImageColumnTypes.Expected, image.GetTypeString());

        var columns = inputSchema.ToDictionary(column => column.Name);
        foreach (var added in OutputColumns.Shapes(_options.ScoreColumnName, _options.PredictedLabelColumnName, label))
            columns[added.Name] = added;
        return new SchemaShape(columns.Values);
    }
}
