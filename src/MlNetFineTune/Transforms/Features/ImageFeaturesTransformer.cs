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
/// A frozen network that gives a vector of features for each picture: an ordinary ML.NET transformer, computed in batches, in chains with
/// ML.NET's own trainers, <c>PredictionEngine</c> and <c>ml.Model.Save</c>. It owns the network: dispose it. Safe for use from many
/// threads.
/// </summary>
public sealed class ImageFeaturesTransformer : ITransformer, ICanSaveModel, IDisposable
{
    private readonly IHost _host;
    private readonly FeatureModel _model;
    private readonly RowScoring _scoring;

    internal ImageFeaturesTransformer(IHostEnvironment env, FeatureModel model, FeatureCache cache)
        : this(env, model, cache, new NetworkScorer(
            new SharedNetwork(model.Network, model.Input), FeatureModel.FunctionOf(model.Plan), [Augmentation.None]))
    {
    }

    private ImageFeaturesTransformer(IHostEnvironment env, FeatureModel model, FeatureCache cache, NetworkScorer scorer)
    {
        _host = env.Register(nameof(ImageFeaturesTransformer));
        _model = model;
        FeatureCache = cache;
        var columns = new FeatureColumns(model.Manifest.OutputColumn, model.Manifest.StatusColumn, model.Plan.Names);
        _scoring = new RowScoring(_host, this, model.Input, columns, scorer)
        {
            OnnxAdvice = "Save the pipeline as ML.NET's zip, which holds the network.",
            Cache = cache == FeatureCache.None ? null : new ScoreCache(_host, model.Plan.Names.Count, Open),
        };
        Pooling = model.Manifest.Pooling.Create();

        IFeatureStore Open(IChannel channel) =>
            cache.Open(IdentityOf, new FeatureLayout([model.Plan.Names.Count]), channel);
    }

    /// <summary>Number of features of a picture.</summary>
    public int FeatureCount => _model.Plan.Names.Count;

    /// <summary>How activations become features.</summary>
    public FeaturePooling Pooling { get; }

    /// <summary>Where features are kept. <see cref="FeatureCache.None"/> in a model that was loaded.</summary>
    public FeatureCache FeatureCache { get; }

    /// <summary>Rows in one forward pass.</summary>
    internal int BatchSize => _scoring.BatchSize;

    internal ScoreCache? Cache => _scoring.Cache;

    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>The columns of the data, and those that the transformer adds.</summary>
    /// <exception cref="Exception">The input column is missing or has another type; ML.NET's own error.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        _model.Input.ColumnsOf(_host, inputSchema);
        return _scoring.OutputSchemaFor(inputSchema);
    }

    /// <summary>Adds the features to the data. Lazy: they are computed in batches when a cursor reads them. The features of a picture that
    /// cannot be read are missing (NaN), and the log says how many these are.</summary>
    /// <exception cref="Exception">The input column is missing or has another type; ML.NET's own error.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(input, _scoring);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) =>
        (_scoring with { Cache = null }).CreateRowMapper(inputSchema);

    /// <summary>
    /// The same transformer with another cache, as for one that was loaded. Both share the network, which is freed when the last of them is
    /// disposed.
    /// </summary>
    /// <param name="cache">Where features are kept.</param>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public ImageFeaturesTransformer WithFeatureCache(FeatureCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return new ImageFeaturesTransformer(_host, _model, cache, _scoring.Scorer.Share(_scoring.Scorer.Views));
    }

    /// <summary>Frees the memory of the network when no row is being computed any more, and completes the cache.</summary>
    public void Dispose()
    {
        _scoring.Cache?.Dispose();
        _scoring.Scorer.Dispose();
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        _scoring.Scorer.Read(network => FeatureArchive.Save(ctx, network, _model.Manifest));

    private ContentHash IdentityOf()
    {
        ContentHash? identity = null;
        _scoring.Scorer.Read(network => identity = EncoderIdentity.Of(
            network.Device, $"features {_model.Network.Computation} {_model.Input.Form} {Pooling.Code}", network.PlainTensors()));
        return identity!.Value;
    }
}
