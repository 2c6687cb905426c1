using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetFineTune.Data;

namespace MlNetFineTune.Transforms;

/// <summary>
/// Learns nothing: <see cref="Fit"/> checks the columns. The caller keeps ownership of the explained model.
/// </summary>
internal sealed class ImageExplainingEstimator : IEstimator<ImageExplainingTransformer>
{
    private readonly IHostEnvironment _env;
    private readonly FineTuningTransformer _model;
    private readonly InputManifest _input;
    private readonly Explanation _explanation;
    private readonly string _outputColumn;
    private readonly string? _mapColumn;
    private readonly SchemaShape.Column[] _outputs;

    /// <exception cref="ArgumentException">The model does not support the explanation, or two columns have the same name.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ImageExplainingEstimator(
        IHostEnvironment env, ITransformer model, string outputColumn, string inputColumn, Explanation explanation, string? mapColumn)
    {
        if (mapColumn == outputColumn)
            throw new ArgumentException($"The picture and the map cannot both be column '{outputColumn}'.", nameof(mapColumn));
        _env = env;
        _model = ModelOf(model);
        _input = _model.Manifest.Input.WithPicturesIn(inputColumn);
        (_explanation, _outputColumn, _mapColumn) = (explanation, outputColumn, mapColumn);
        using var tried = CreateTransformer(); // throws for unsupported explanations before data are read
        _outputs = tried.Columns.Shapes();
    }

    public ImageExplainingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var transformer = CreateTransformer();
        try
        {
            transformer.ColumnsOf(input.Schema);
            return transformer;
        }
        catch
        {
            transformer.Dispose();
            throw;
        }
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        // A folder is used for paths only, not for a column of images.
        var pictures = _input.FindPictures()!.Create().Column with { Folder = null };
        pictures.Check(inputSchema, _env, nameof(inputSchema));
        var added = _outputs.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        return new SchemaShape([.. inputSchema.Where(column => !added.Contains(column.Name)), .. _outputs]);
    }

    private ImageExplainingTransformer CreateTransformer() => new(_env, _model, _input, _explanation, _outputColumn, _mapColumn);

    private static FineTuningTransformer ModelOf(ITransformer model)
    {
        var found = Flat(model).OfType<FineTuningTransformer>().ToList();
        return found is [var one]
            ? one
            : throw new ArgumentException(
                "ExplainImages explains one fine-tuned model, but " + (found.Count == 0
                    ? $"{model.GetType().Name} has none."
                    : $"the chain has {found.Count}: give the one that is meant."),
                nameof(model));
    }

    private static IEnumerable<ITransformer> Flat(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flat) : [model];
}
