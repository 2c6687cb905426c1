using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Scoring;
using MlNetFineTune.Training;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// A frozen network that computes a feature vector for each picture or text, in batches: made by <c>ml.Transforms.ExtractImageFeatures</c>
/// and <c>ml.Transforms.ExtractTextFeatures</c>. It can be used in chains with ML.NET's own trainers, with <c>PredictionEngine</c> and with
/// <c>ml.Model.Save</c>. It owns the network: dispose it. Thread-safe.
/// </summary>
public sealed class FeaturesTransformer : ITransformer, IBatchedTransformer, ICanSaveModel, IDisposable
{
    private readonly IHost _host;
    private readonly FeatureModel _model;
    private readonly NetworkScoring _scoring;

    internal FeaturesTransformer(IHostEnvironment env, FeatureModel model, FeatureCache cache)
        : this(env, model, cache, new NetworkScorer(
            new SharedNetwork(model.Network, model.Input), FeatureModel.FunctionOf(model.Function), [Augmentation.None]))
    {
    }

    private FeaturesTransformer(IHostEnvironment env, FeatureModel model, FeatureCache cache, NetworkScorer scorer)
    {
        _host = env.Register(nameof(FeaturesTransformer));
        _model = model;
        FeatureCache = cache;
        var columns = new FeatureColumns(model.Manifest.OutputColumn, model.Manifest.StatusColumn, model.Function.Names);
        _scoring = new NetworkScoring(_host, this, model.Input, columns, scorer)
        {
            OnnxAdvice = "Save the pipeline as ML.NET's zip, which holds the network.",
            Cache = cache == FeatureCache.None ? null : new ScoreCache(_host, model.Function.Names.Count, Open),
        };
        Pooling = model.Manifest.PoolingCode;

        IFeatureStore Open(IChannel channel) =>
            cache.Open(IdentityOf, new FeatureLayout([model.Function.Names.Count]), channel);
    }

    /// <summary>Number of features per row, the size of the output vector.</summary>
    public int FeatureCount => _model.Function.Names.Count;

    /// <summary>
    /// How activations are reduced to features, as text: the <see cref="FeaturePooling"/> of pictures, such as <c>Native</c>, or the
    /// <see cref="TextBackbone.Pooling"/> of texts, such as <c>Mean, normalized</c>.
    /// </summary>
    public string Pooling { get; }

    /// <summary>Where features are cached. <see cref="FeatureCache.None"/> in a loaded model.</summary>
    public FeatureCache FeatureCache { get; }

    internal ScoreCache? Cache => _scoring.Cache;

    /// <summary>Name of the network.</summary>
    internal string NetworkName => _model.Network.Name;

    /// <summary>Input of the network.</summary>
    internal ModelInput Input => _model.Input;

    bool ITransformer.IsRowToRowMapper => true;

    int IBatchedTransformer.BatchSize => _scoring.BatchSize;

    /// <summary>Returns the schema of the data with the columns that the transformer adds.</summary>
    /// <exception cref="Exception">The input column is missing or has another type; ML.NET's own error.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _model.Input.ColumnsOf(_host, inputSchema);
        return _scoring.OutputSchemaFor(inputSchema);
    }

    /// <summary>
    /// Adds the features to the data. Lazy: they are computed in batches when a cursor reads them. The features of a row that cannot be
    /// read are NaN; the number of such rows is logged.
    /// </summary>
    /// <exception cref="Exception">The input column is missing or has another type; ML.NET's own error.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(input, _scoring);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        (_scoring with { Cache = null }).CreateRowMapper(inputSchema);

    /// <summary>
    /// Creates a transformer with another cache, for example for a loaded model. Both share the network, which is freed when the last of
    /// them is disposed.
    /// </summary>
    /// <param name="cache">Where features are cached.</param>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public FeaturesTransformer WithFeatureCache(FeatureCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return new FeaturesTransformer(_host, _model, cache, _scoring.Network.Share(_scoring.Network.Views));
    }

    /// <summary>Completes the cache, and frees the network's memory as soon as no row is being computed.</summary>
    public void Dispose()
    {
        _scoring.Cache?.Dispose();
        _scoring.Network.Dispose();
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        _scoring.Network.Read(network => FeatureArchive.Save(ctx, network, _model.Manifest));

    private ContentHash IdentityOf()
    {
        ContentHash? identity = null;
        _scoring.Network.Read(network => identity = EncoderIdentity.Of(
            network.Device, $"features {_model.Network.Computation} {_model.Input.Form} {Pooling}", network.PlainTensors()));
        return identity!.Value;
    }
}
