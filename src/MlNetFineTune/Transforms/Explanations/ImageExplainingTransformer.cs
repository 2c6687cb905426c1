using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;
using MlNetFineTune.Scoring;
using MlNetFineTune.Tasks;
using MlNetFineTune.Transforms;

namespace MlNetFineTune;

/// <summary>
/// Adds to each picture what in it speaks for an output of a fine-tuned model: made by <c>ml.Transforms.ExplainImages</c>. Lazy and in
/// batches, as scoring. It shares the model's network, whose memory is freed when the last of them is disposed: dispose it, or the chain
/// that it is in. Safe for use from many threads, also while others score.
/// </summary>
public sealed class ImageExplainingTransformer : ITransformer, ICanSaveModel, IDisposable
{
    private readonly BoundTask _task;
    private readonly ModelManifest _model;
    private readonly InputManifest _input;
    private readonly string _outputColumn;
    private readonly string? _mapColumn;

    /// <param name="env">The context's.</param>
    /// <param name="model">The explained model. Stays its owner's.</param>
    /// <param name="input">As the model's, with the column of the pictures that are explained.</param>
    /// <param name="explanation">How they are.</param>
    /// <param name="outputColumn">Gets the pictures.</param>
    /// <param name="mapColumn">Gets the numbers; null for none.</param>
    /// <exception cref="ArgumentException">The explanation is not possible for the model.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    internal ImageExplainingTransformer(
        IHostEnvironment env, FineTuningTransformer model, InputManifest input, Explanation explanation, string outputColumn,
        string? mapColumn)
    {
        Host = env.Register(nameof(ImageExplainingTransformer));
        (_task, _model, _input, _outputColumn, _mapColumn) = (model.Task, model.Manifest, input, outputColumn, mapColumn);
        Explainer = new PictureExplainer(model, input, explanation);
        Columns = new HeatMapColumns(outputColumn, mapColumn, Explainer);
    }

    /// <summary>How pictures are explained.</summary>
    public Explanation Explanation => Explainer.Explanation;

    /// <summary>Height of a map: numbers from top to bottom of what the network sees of a picture.</summary>
    public int MapHeight => Explainer.Method.Height;

    /// <summary>Width of a map: numbers from left to right of what the network sees of a picture.</summary>
    public int MapWidth => Explainer.Method.Width;

    internal IHost Host { get; }

    internal PictureExplainer Explainer { get; }

    internal HeatMapColumns Columns { get; }

    bool ITransformer.IsRowToRowMapper => true;

    /// <summary>The columns of the data, and those that are added.</summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ColumnsOf(inputSchema);
        return OutputSchemaFor(inputSchema);
    }

    /// <summary>
    /// Adds the columns to the data. Lazy: rows are explained in batches when a cursor reads them. Each picture is a new one, which the
    /// reader disposes.
    /// </summary>
    /// <exception cref="Exception">An input column is missing or has another type; ML.NET's own error.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ExplainedDataView(Host, input, this);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => new RowToRowMapperTransform(
        Host, new EmptyDataView(Host, inputSchema), new ExplainingRowMapper(Host, this, inputSchema),
        schema => new ExplainingRowMapper(Host, this, schema));

    /// <summary>Gives its share of the network back when no row is being explained any more. The explained model stays as it is.</summary>
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

    /// <summary>Writes the explained model, as itself would.</summary>
    internal void SaveModel(ModelSaveContext ctx) => Explainer.Read(network =>
    {
        ModelArchive.Save(Host, ctx, network, _task, _model);
        return true;
    });

    internal DataViewSchema.Column[] ColumnsOf(DataViewSchema schema) => Explainer.Inputs.ColumnsOf(Host, schema);

    internal DataViewSchema OutputSchemaFor(DataViewSchema input)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(Columns.Create(input));
        return builder.ToSchema();
    }
}
