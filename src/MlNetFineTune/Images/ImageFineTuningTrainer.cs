using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Heads;
using MlNetFineTune.MlNet;
using MlNetFineTune.Rows;
using MlNetFineTune.Scoring;
using MlNetFineTune.Training;

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
    private readonly IHost _host;
    private readonly ImageFineTuningOptions _options;

    internal ImageFineTuningTrainer(IHostEnvironment env, ImageFineTuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.EarlyStoppingPatience is not null && options.Validation is Validation.NoValidation)
            throw new ArgumentException("EarlyStoppingPatience needs validation: it waits for the validation to improve.", nameof(options));
        TorchRuntime.EnsureLoaded();
        options.Strategy.Resolve(options.Backbone, options.Backbone.Stages); // fails here rather than after reading the data
        _host = env.Register(nameof(ImageFineTuningTrainer));
        _options = options;
    }

    /// <summary>Trains on all rows of <paramref name="input"/>, less those that validate. Every call starts fresh.</summary>
    /// <exception cref="OperationCanceledException"><see cref="ImageFineTuningOptions.CancellationToken"/> asked for it.</exception>
    public ImageFineTuningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShape.Create(input.Schema)); // checks the columns
        using var channel = _host.Start("FineTuneImages");
        var seed = _options.Seed ?? Contexts.Seed(_host) ?? 0;
        var device = Devices.Choose(_host, channel);
        var keys = LabelKeys.Of(input.Schema[_options.LabelColumnName]);

        using var data = TrainingData.Read(_host, channel, input, _options, keys, seed);
        var classifier = ImageClassifier.Create(_options.Backbone, keys.Count, seed);
        try
        {
            classifier.MoveTo(device);
            var plan = _options.Strategy.Resolve(_options.Backbone, [.. classifier.Backbone.Stages.Select(stage => stage.Name)]);
            var report = new TrainingLoop(classifier, plan, data, _options, seed, _host, channel).Run();
            classifier.PrepareForScoring();
            return new ImageFineTuningTransformer(_host, classifier, keys, ManifestOf.Training(_options, classifier, keys, report, seed), report);
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
            throw _host.ExceptSchemaMismatch(nameof(inputSchema), "label", _options.LabelColumnName);
        if (!label.IsKey || label.Kind != SchemaShape.Column.VectorKind.Scalar)
            throw _host.ExceptSchemaMismatch(nameof(inputSchema), "label", label.Name, "Key (Conversion.MapValueToKey makes one)", label.GetTypeString());
        if (!inputSchema.TryFindColumn(_options.ImageColumnName, out var image))
            throw _host.ExceptSchemaMismatch(nameof(inputSchema), "image", _options.ImageColumnName);
        if (image.Kind != SchemaShape.Column.VectorKind.Scalar || image.ItemType is not (TextDataViewType or ImageDataViewType))
            throw _host.ExceptSchemaMismatch(nameof(inputSchema), "image", image.Name, ImageColumnTypes.Expected, image.GetTypeString());

        var columns = inputSchema.ToDictionary(column => column.Name);
        foreach (var added in OutputColumns.Shapes(_options.ScoreColumnName, _options.PredictedLabelColumnName, label))
            columns[added.Name] = added;
        return new SchemaShape(columns.Values);
    }
}
