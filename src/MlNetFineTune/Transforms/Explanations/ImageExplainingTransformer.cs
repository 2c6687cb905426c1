using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// Adds heat maps of the regions that contributed to an output of a fine-tuned model: made by <c>ml.Transforms.ExplainImages</c>. Lazy
/// and in batches, as scoring. It shares the network of the model, which is freed when the last of them is disposed: dispose it, or the
/// chain that contains it. Thread-safe, also during scoring with the same model.
/// </summary>
public sealed class ImageExplainingTransformer : ITransformer, IBatchedTransformer, ICanSaveModel, IDisposable
{
    private readonly ExplanationScoring _scoring;
    private readonly BoundTask _task;
    private readonly ModelManifest _model;
    private readonly NearestNeighbors? _nearest; // a part of the saved model
    private readonly InputManifest _input;
    private readonly string _outputColumn;
    private readonly string? _mapColumn;

    /// <param name="env">Environment of the context.</param>
    /// <param name="model">The explained model. The caller keeps ownership.</param>
    /// <param name="input">The model's input, with the column of the explained pictures.</param>
    /// <param name="explanation">The method.</param>
    /// <param name="outputColumn">Name of the output column of pictures.</param>
    /// <param name="mapColumn">Name of the output column of map values; null for none.</param>
    /// <exception cref="ArgumentException">The model does not support the explanation.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal ImageExplainingTransformer(
        IHostEnvironment env, FineTuningTransformer model, InputManifest input, Explanation explanation, string outputColumn,
        string? mapColumn)
    {
        Host = env.Register(nameof(ImageExplainingTransformer));
        (_task, _model, _input, _outputColumn, _mapColumn) = (model.Task, model.Manifest, input, outputColumn, mapColumn);
        _nearest = model.ConformalModel?.Nearest;
        Explainer = new PictureExplainer(model, input, explanation);
        Columns = new HeatMapColumns(outputColumn, mapColumn, Explainer);
        _scoring = new ExplanationScoring(Host, this, Columns, Explainer);
    }

    /// <summary>The method of explanation.</summary>
    public Explanation Explanation => Explainer.Explanation;

    /// <summary>Height of a map, which covers the network's input: the number of values from top to bottom.</summary>
    public int MapHeight => Explainer.Method.Height;

    /// <summary>Width of a map, which covers the network's input: the number of values from left to right.</summary>
    public int MapWidth => Explainer.Method.Width;

    internal IHost Host { get; }

    internal PictureExplainer Explainer { get; }

    internal HeatMapColumns Columns { get; }

    bool ITransformer.IsRowToRowMapper => true;

    int IBatchedTransformer.BatchSize => _scoring.BatchSize;

    /// <summary>Returns the schema of the data with the added columns.</summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ColumnsOf(inputSchema);
        return _scoring.OutputSchemaFor(inputSchema);
    }

    /// <summary>
    /// Adds the columns to the data. Lazy: rows are explained in batches when a cursor reads them. Each picture is new and disposed by the
    /// reader.
    /// </summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoredDataView(input, _scoring);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => _scoring.CreateRowMapper(inputSchema);

    /// <summary>Releases its reference to the network as soon as no row is being explained. The explained model is not disposed.</summary>
    public void Dispose() => Explainer.Dispose();

    void ICanSaveModel.Save(ModelSaveContext ctx) => ExplanationArchive.Save(Host, ctx, this);

    internal ExplanationManifest Describe() => new()
    {
        FormatVersion = ExplanationManifest.CurrentVersion,
        OutputColumn = _outputColumn,
        MapColumn = _mapColumn,
        Input = _input,
        Method = Explanation.Describe(),
        Class = Explanation.Class,
        Head = Explanation.Head,
        Strength = Explanation.Strength,
    };

    /// <summary>Writes the explained model in its own format.</summary>
    internal void SaveModel(ModelSaveContext ctx) => Explainer.Read(network =>
    {
        ModelArchive.Save(Host, ctx, network, _task, _model, _nearest);
        return true;
    });

    internal DataViewSchema.Column[] ColumnsOf(DataViewSchema schema) => Explainer.Inputs.ColumnsOf(Host, schema);
}
