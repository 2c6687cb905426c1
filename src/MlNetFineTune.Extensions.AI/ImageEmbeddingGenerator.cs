using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Embeddings;

/// <summary>Features of pictures, by a transformer that is not owned.</summary>
internal sealed class ImageEmbeddingGenerator : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private readonly MLContext _ml;
    private readonly ITransformer _model;
    private readonly string _featuresColumn;
    private readonly SchemaDefinition _row = SchemaDefinition.Create(typeof(Row));
    private readonly EmbeddingGeneratorMetadata _metadata;

    public ImageEmbeddingGenerator(MLContext ml, ITransformer model, string featuresColumn, string imageColumn)
    {
        (_ml, _model, _featuresColumn) = (ml, model, featuresColumn);
        _row[nameof(Row.Image)].ColumnName = imageColumn;
        _metadata = new(nameof(MlNetFineTune), defaultModelDimensions: CountFeatures(imageColumn));
    }

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<DataContent> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is { } dimensions && dimensions != _metadata.DefaultModelDimensions)
        {
            throw new NotSupportedException(
                $"EmbeddingGenerationOptions.Dimensions is {dimensions}, and the features of this model are "
                + $"{_metadata.DefaultModelDimensions} numbers: leave it out.");
        }
        Row[] rows = [.. values.Select((value, place) => new Row { Image = BytesOf(value, place) })];
        return Task.Run(() => Compute(rows, cancellationToken), cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(_model) ? _model
            : null;
    }

    public void Dispose()
    {
        // The model is the caller's.
    }

    private GeneratedEmbeddings<Embedding<float>> Compute(Row[] rows, CancellationToken cancellation)
    {
        var embeddings = new GeneratedEmbeddings<Embedding<float>>(rows.Length);
        var data = _model.Transform(_ml.Data.LoadFromEnumerable(rows, _row));
        var column = data.Schema[_featuresColumn];
        using var cursor = data.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> features = default;
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            getter(ref features);
            float[] values = [.. features.DenseValues()];
            if (values.Any(float.IsNaN))
            {
                throw new InvalidDataException(
                    $"Picture {embeddings.Count} of the call ({rows[embeddings.Count].Image.Length} bytes, counted from 0) cannot be read. "
                    + "JPEG, PNG, GIF, BMP and WebP files can.");
            }
            embeddings.Add(new Embedding<float>(values));
        }
        return embeddings;
    }

    private int CountFeatures(string imageColumn)
    {
        DataViewSchema schema;
        try
        {
            schema = _model.GetOutputSchema(_ml.Data.LoadFromEnumerable(Array.Empty<Row>(), _row).Schema);
        }
        catch (ArgumentException e) // ML.NET's schema mismatch
        {
            throw new ArgumentException(
                $"The model cannot take data whose only column is '{imageColumn}', a vector of Byte: {e.Message} Fit ExtractImageFeatures "
                + "on a column with the content of files, and give its name as imageColumnName.", "model", e);
        }
        var type = schema.GetColumnOrNull(_featuresColumn)?.Type as VectorDataViewType;
        return type is { Size: > 0 } && type.ItemType == NumberDataViewType.Single
            ? type.Size
            : throw new ArgumentException(
                $"The model gives no vector of Single of known size in column '{_featuresColumn}': it has "
                + $"{string.Join(", ", schema.Select(column => $"{column.Name} ({column.Type})"))}. Give featuresColumnName.", "model");
    }

    private static byte[] BytesOf(DataContent? value, int place)
    {
        if (value is null)
            throw new ArgumentException($"Value {place} (counted from 0) is null.", "values");
        return value.HasTopLevelMediaType("image")
            ? value.Data.ToArray()
            : throw new ArgumentException(
                $"Value {place} (counted from 0) is {value.MediaType}, and features are of pictures: image/jpeg, image/png, image/gif, "
                + "image/bmp or image/webp.", "values");
    }

    private sealed class Row
    {
        public byte[] Image { get; set; } = [];
    }
}
