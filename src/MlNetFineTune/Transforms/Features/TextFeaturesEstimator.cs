using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Scoring;
using MlNetFineTune.Training;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// Computes features of texts with a frozen network, for ML.NET's own trainers and for search: <c>ml.Transforms.ExtractTextFeatures</c>.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Input and Output Columns
/// | Column | Type |
/// | -- | -- |
/// | input, and `SecondTextColumnName` | text |
/// | output | vector of Single of known size, with slot names |
/// | `TextStatusColumnName` | text; only if the option is set |
///
/// ### Estimator Characteristics
/// | | |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Required NuGet in addition to Microsoft.ML | MlNetFineTune, and TorchSharp-cpu or a CUDA package |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class TextFeaturesEstimator : IEstimator<FeaturesTransformer>
{
    private const int UsualLength = 256;

    private readonly IHostEnvironment _env;
    private readonly TextBackbone _backbone;
    private readonly TextFeatureOptions _options;
    private readonly string _output;
    private readonly TextColumns _columns;
    private readonly int _length;

    internal TextFeaturesEstimator(IHostEnvironment env, string output, string input, TextBackbone backbone, TextFeatureOptions options)
    {
        if (options.TextStatusColumnName == output)
        {
            throw new ArgumentException(
                $"The column '{output}' is to hold the features, and TextStatusColumnName names it too: choose another name.",
                nameof(options));
        }
        if (options.SecondTextColumnName == input)
            throw new ArgumentException($"The first and the second text are both in '{input}': name another column.", nameof(options));
        if (options.MaximumLength > backbone.MaximumLength)
        {
            throw new ArgumentException(
                $"MaximumLength is {options.MaximumLength}, and {backbone.Name} has positions for {backbone.MaximumLength} tokens.",
                nameof(options));
        }
        TorchRuntime.EnsureLoaded();
        (_env, _backbone, _options, _output) = (env, backbone, options, output);
        _columns = new TextColumns(input, options.SecondTextColumnName);
        _length = options.MaximumLength ?? Math.Min(UsualLength, backbone.MaximumLength);
    }

    /// <summary>Loads the network. Nothing is learned from the data, and no row is read. The caller disposes the result.</summary>
    /// <param name="input">The data.</param>
    /// <exception cref="InvalidDataException">The weights do not fit the network.</exception>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public FeaturesTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _columns.Of(input.Schema, _env);
        using var fit = new FitScope(_env, nameof(TextFeaturesEstimator), "ExtractTextFeatures", seed: null);
        var device = Devices.Choose(fit.Host, fit.Channel);
        var network = TextNetwork.Create(
            _backbone, features => new FeatureHead(features), fit.Seed, message => fit.Channel.Info(message));
        try
        {
            network.MoveTo(device);
            network.PrepareForScoring();
            var texts = new TextInput(_columns, _backbone.Tokenizer!, _length, _options.Truncation, _backbone.Config.Segments > 1);
            var function = new TextFeatureFunction(network, _options.Normalize);
            var model = new FeatureModel(network, texts, function, ManifestOf(network, texts, function));
            fit.Channel.Info($"{_backbone} gives {function.Names.Count} features a text by {model.Manifest.PoolingCode}, from up to "
                + FormattableString.Invariant($"{_length} tokens ({_options.Truncation})."));
            return new FeaturesTransformer(fit.Host, model, _options.FeatureCache);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Returns the schema of the data with the columns that the transformer adds.</summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _columns.Check(inputSchema, _env);
        var added = FeatureColumns.Shapes(_output, _options.TextStatusColumnName);
        return new SchemaShape([.. inputSchema.Where(column => added.All(one => one.Name != column.Name)), .. added]);
    }

    private TextFeatureManifest ManifestOf(TextNetwork network, TextInput texts, TextFeatureFunction function) => new()
    {
        FormatVersion = FeatureManifest.CurrentVersion,
        Packages = PackageVersions.Current,
        Input = (TextInputManifest)texts.Describe(),
        Encoder = TextNetworkManifest.Of(network.Text),
        Normalizes = _options.Normalize,
        OutputColumn = _output,
        StatusColumn = _options.TextStatusColumnName,
        OnProbeMismatch = _options.OnProbeMismatch,
        ProbeFeatures = Probe.Score(network, texts, FeatureModel.FunctionOf(function)),
    };
}
