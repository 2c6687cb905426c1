using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Training;
using MlNetFineTune.Transforms;
using TorchSharp;

namespace MlNetFineTune;

/// <summary>
/// Computes features of pictures with a frozen network, for ML.NET's own trainers: <c>ml.Transforms.ExtractImageFeatures</c>.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Input and Output Columns
/// | Column | Type |
/// | -- | -- |
/// | input | text (paths), vector of Byte (content of files), image, or a vector of pixels with `RawPixels` |
/// | output | vector of Single of known size, with slot names |
/// | `ImageStatusColumnName` | text; only if the option is set |
///
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | Only with `FeaturePooling.Attention` |
/// | Required NuGet in addition to Microsoft.ML | MlNetFineTune, and TorchSharp-cpu or a CUDA package |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class ImageFeaturesEstimator : IEstimator<FeaturesTransformer>
{
    private readonly IHostEnvironment _env;
    private readonly Backbone _backbone;
    private readonly ImageFeatureOptions _options;
    private readonly string _output;
    private readonly ImageColumn _column;
    private readonly IEstimator<FineTuningTransformer>? _probe;

    /// <param name="env">Environment of the catalog.</param>
    /// <param name="output">Name of the output column.</param>
    /// <param name="input">Name of the image column.</param>
    /// <param name="backbone">The network.</param>
    /// <param name="options">The options.</param>
    /// <param name="probe">Learns the query of <see cref="FeaturePooling.Attention"/>; null for other poolings.</param>
    internal ImageFeaturesEstimator(
        IHostEnvironment env, string output, string input, Backbone backbone, ImageFeatureOptions options,
        IEstimator<FineTuningTransformer>? probe)
    {
        if (!backbone.HasWeights)
        {
            throw new ArgumentException($"Say where the weights of {backbone.Name} come from: .WithWeights(\"file.safetensors\"), or "
                + ".FromScratch() for random ones.", nameof(backbone));
        }
        if (backbone.InputChannels is not (1 or 3))
        {
            throw new ArgumentException(
                $"Backbone.InputChannels is {backbone.InputChannels}, but pictures have 3 channels (colours) or 1 (luminance).",
                nameof(backbone));
        }
        if (options.ImageStatusColumnName == output)
        {
            throw new ArgumentException(
                $"The column '{output}' is to hold the features, and ImageStatusColumnName names it too: choose another name.",
                nameof(options));
        }
        if (options.Pooling is FeaturePooling.LearnedAttention)
        {
            throw new ArgumentException(
                $"The pooling {options.Pooling} is that of a fitted extractor, whose query belongs to it: take "
                + "FeaturePooling.Attention(label), which learns a query, or FeaturePooling.AttentionOf(model), which copies a model's.",
                nameof(options));
        }
        TorchRuntime.EnsureLoaded();
        backbone = backbone.PooledBy((options.Pooling as FeaturePooling.AttentionPooling)?.OfHead ?? HeadPooling.Native);
        (_env, _backbone, _options, _output, _probe) = (env, backbone, options, output, probe);
        _column = new ImageColumn(input, options.ImageFolder, options.RawPixels);
    }

    /// <summary>
    /// Loads the network. Nothing is learned from the data, and no row is read, except with <see cref="FeaturePooling.Attention"/>. The
    /// caller disposes the result.
    /// </summary>
    /// <param name="input">The data.</param>
    /// <exception cref="ArgumentException">The pooling does not fit the network.</exception>
    /// <exception cref="Exception">The input column is missing or has another type; ML.NET's own error.</exception>
    public FeaturesTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _column.In(input.Schema, _env, "input", "image");
        using var probe = _probe?.Fit(input);
        using var fit = new FitScope(_env, nameof(ImageFeaturesEstimator), "ExtractImageFeatures", seed: null);
        var device = Devices.Choose(fit.Host, fit.Channel);
        var network = ImageNetwork.Create(
            _backbone, features => new FeatureHead(features), fit.Seed, message => fit.Channel.Info(message));
        try
        {
            if (network.Pool is { } pool)
            {
                var source = probe is null ? ((FeaturePooling.AttentionOfModel)_options.Pooling).Model : SourceModel.Find(probe, "");
                CopyQuery(source, network, pool, fit.Channel);
            }
            network.MoveTo(device);
            network.PrepareForScoring();
            var plan = FeaturePlan.Of(_options.Pooling, network);
            var model = new FeatureModel(network, InputOf(plan), plan, ManifestOf(network, plan));
            fit.Channel.Info($"{_backbone} gives {plan.Names.Count} features a picture by {_options.Pooling}.");
            return new FeaturesTransformer(fit.Host, model, _options.FeatureCache);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Returns the schema of the data with the columns that the transformer adds.</summary>
    /// <exception cref="Exception">The input column is missing or has another type; ML.NET's own error.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _column.Check(inputSchema, _env, nameof(inputSchema));
        _probe?.GetOutputSchema(inputSchema); // checks the label
        var columns = inputSchema.ToDictionary(column => column.Name);
        foreach (var added in FeatureColumns.Shapes(_output, _options.ImageStatusColumnName))
            columns[added.Name] = added;
        return new SchemaShape(columns.Values);
    }

    private void CopyQuery(SourceModel model, ImageNetwork ours, AttentionPool pool, IChannel channel) => model.Read(network =>
    {
        using var scope = torch.NewDisposeScope();
        using var noGradients = torch.no_grad();
        var query = ((ImageNetwork)network).Pool!.query;
        if (!query.shape.SequenceEqual(pool.query.shape))
        {
            throw new ArgumentException(
                $"The query of the model of {model.Name} is for {query.shape[1]} channels, and {_backbone.Name} has {pool.query.shape[1]}: "
                + "take Backbone.FromModel of the same model.");
        }
        pool.query.copy_(query);
        if (HasOtherWeights(network, ours))
        {
            channel.Warning(
                $"The query of the model of {model.Name} was learned on other weights than those of this backbone, and need not fit its "
                + "maps: take Backbone.FromModel of the same model.");
        }
    });

    // The backbone's tensors: the head's have other names or are the query.
    private static bool HasOtherWeights(FineTunedNetwork network, ImageNetwork ours)
    {
        var theirs = network.PlainTensors().ToDictionary(named => named.Name, named => named.Tensor, StringComparer.Ordinal);
        return ours.NamedTensors().Any(named => ours.StageOf(named.Name) < ours.Stages.Count
            && theirs.TryGetValue(named.Name, out var tensor)
            && !(tensor.shape.SequenceEqual(named.Tensor.shape) && tensor.cpu().Equals(named.Tensor.cpu())));
    }

    private ModelInput InputOf(FeaturePlan plan) =>
        ScaledImageInput.Create(_column, _backbone.Preprocessing, _backbone.InputChannels, plan.Sizes);

    private ImageFeatureManifest ManifestOf(ImageNetwork network, FeaturePlan plan) => new()
    {
        FormatVersion = FeatureManifest.CurrentVersion,
        Packages = PackageVersions.Current,
        Input = new ImageInputManifest(
            _column.Column, _column.Folder, _column.Pixels, _backbone.Preprocessing, _backbone.InputChannels),
        Encoder = BackboneManifest.Of(network.Definition),
        Pooling = _options.Pooling.Describe(),
        OutputColumn = _output,
        StatusColumn = _options.ImageStatusColumnName,
        OnProbeMismatch = _options.OnProbeMismatch,
        ProbeFeatures = Probe.Score(network, InputOf(plan), FeatureModel.FunctionOf(plan)),
    };
}
