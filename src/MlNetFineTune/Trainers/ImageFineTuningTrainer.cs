using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Reporting;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Training;

namespace MlNetFineTune;

/// <summary>Fine-tunes a pretrained network into an image classifier.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Input and output columns
/// | Column | Type | Description |
/// | -- | -- | -- |
/// | Label | Key of any raw type | The class. Rows without one are left out. |
/// | ExampleWeightColumnName, if named | Single | How much the row counts. |
/// | ImagePath | Text, a vector of Byte, an image column of `LoadImages`, or a vector of pixels | The picture: a path, a file's bytes, an image, or pixels as `RawPixels` says. |
/// | Score (output) | Vector of Single | Probabilities of the classes; NaN where the picture cannot be read. |
/// | PredictedLabel (output) | Key | The most probable class; missing where the picture cannot be read. |
/// | ImageStatusColumnName (output, if named) | Text | Why the picture cannot be read; empty where it can. |
///
/// ### Characteristics
/// | | |
/// | -- | -- |
/// | Machine learning task | Multiclass classification |
/// | Is normalization required? | No: pixels are normalised as the weights expect |
/// | Is caching required? | No |
/// | Required NuGet in addition to Microsoft.ML | MlNetFineTune, and a native libtorch package |
/// | Exportable to ONNX | Yes, with the package MlNetFineTune.Onnx |
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
        options.Check();
        TorchRuntime.EnsureLoaded();
        _plan = options.Strategy.Resolve(options.Backbone.Name, options.Backbone.Stages, options.Epochs); // fails here rather than after reading the data
        _env = env;
        _options = options;
    }

    /// <summary>Trains on all rows of <paramref name="input"/>, less those that validate. Every call starts fresh.</summary>
    /// <exception cref="OperationCanceledException"><see cref="FineTuningOptions.CancellationToken"/> asked for it.</exception>
    public ImageFineTuningTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShape.Create(input.Schema)); // checks the columns
        using var fit = new FitScope(_env, nameof(ImageFineTuningTrainer), "FineTuneImages", _options.Seed);
        using var folder = RunFolder.Open(_options, fit.Channel);
        var options = _options with { Observer = folder ?? _options.Observer };
        var device = Devices.Choose(fit.Host, fit.Channel);
        var keys = LabelKeys.Of(input.Schema[_options.LabelColumnName]);
        _options.ClassWeights.Check(keys.Names);
        using var teacher = _options.Distillation.Begin(_options.LabelColumnName, keys, _options.Backbone, device, Log);
        var images = new ImageSource(_options.ImageInput, new ImageEncoder(_options.Backbone.Preprocessing));

        // Before the data are read, which may take longer than to find that something does not fit the network.
        var classifier = ImageClassifier.Create(_options.Backbone, keys.Count, fit.Seed, Log);
        try
        {
            _options.Backbone.Earlier?.CopyHead(classifier, keys, Log);
            classifier.MoveTo(device);
            var plan = _options.Adapter.Apply(classifier, _plan, fit.Seed, Log);
            using var data = TrainingData.Read(fit.Host, fit.Channel, input, _options, images, new ClassLabels(_options.LabelColumnName, keys), fit.Seed);
            var objective = new MulticlassObjective(keys.Count, _options.Loss, _options.ClassWeights.Resolve(keys.Names, data.Training.LabelsOf(data.Training.Rows)), softTargets: _options.Distillation.Loss);
            using var loop = new TrainingLoop(classifier, objective, plan, data, options, fit.Seed, fit.Host, fit.Channel, teacher);
            var trained = loop.Run();
            classifier.PrepareForScoring();
            var report = trained.Calibrate(loop.ValidationOutputs, keys.Names, data, options, fit);
            RunReport.Write(folder, classifier, loop.ValidationOutputs, MulticlassObjective.OfScoring(keys.Count, report.Calibration),
                keys.Names, data, options, fit.Seed, report);
            return new ImageFineTuningTransformer(fit.Host, classifier, keys, ManifestOf.Training(_options, classifier, keys, report, fit.Seed), report);
        }
        catch
        {
            classifier.Dispose();
            throw;
        }

        void Log(string message) => fit.Channel.Info(message);
    }

    /// <summary>What <see cref="Fit"/> will add, after checking that label and image are there and of a known type.</summary>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        if (!inputSchema.TryFindColumn(_options.LabelColumnName, out var label))
            throw _env.ExceptSchemaMismatch(nameof(inputSchema), "label", _options.LabelColumnName);
        if (!label.IsKey || label.Kind != SchemaShape.Column.VectorKind.Scalar)
            throw _env.ExceptSchemaMismatch(nameof(inputSchema), "label", label.Name, "Key (Conversion.MapValueToKey makes one)", label.GetTypeString());
        WeightColumn.Check(_env, inputSchema, _options.ExampleWeightColumnName);
        _options.ImageInput.Check(inputSchema, _env, nameof(inputSchema));
        _options.Validation.Check(_env, inputSchema);

        var columns = inputSchema.ToDictionary(column => column.Name);
        foreach (var added in MulticlassColumns.Shapes(_options.ScoreColumnName, _options.PredictedLabelColumnName, _options.ImageStatusColumnName, label))
            columns[added.Name] = added;
        return new SchemaShape(columns.Values);
    }
}
