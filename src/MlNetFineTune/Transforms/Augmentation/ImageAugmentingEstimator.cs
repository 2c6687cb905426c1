using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;

namespace MlNetFineTune.Transforms;

/// <summary>Learns nothing from data: checks the column and creates the transformer.</summary>
/// <param name="env">Environment of the context.</param>
/// <param name="outputColumn">Name of the output column of images.</param>
/// <param name="input">The input column.</param>
/// <param name="augmentation">An augmentation without operations on batches.</param>
/// <param name="seed">Null: the context's seed, or 0 without one.</param>
internal sealed class ImageAugmentingEstimator(
    IHostEnvironment env, string outputColumn, ImageColumn input, Augmentation augmentation, int? seed)
    : IEstimator<ImageAugmentingTransformer>
{
    private readonly IHost _host = env.Register(nameof(ImageAugmentingEstimator));

    public ImageAugmentingTransformer Fit(IDataView data)
    {
        ArgumentNullException.ThrowIfNull(data);
        GetOutputSchema(SchemaShape.Create(data.Schema)); // checks the column
        return new ImageAugmentingTransformer(_host, outputColumn, input, augmentation, seed ?? Contexts.Seed(_host) ?? 0);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        input.Check(inputSchema, _host, nameof(inputSchema));
        var read = inputSchema.Single(column => column.Name == input.Column);
        var columns = inputSchema.ToDictionary(column => column.Name);
        columns[outputColumn] = read.ItemType is ImageDataViewType
            ? new SchemaShape.Column(outputColumn, read.Kind, read.ItemType, isKey: false, read.Annotations)
            : new SchemaShape.Column(outputColumn, SchemaShape.Column.VectorKind.Scalar, new ImageDataViewType(), isKey: false);
        return new SchemaShape(columns.Values);
    }
}
