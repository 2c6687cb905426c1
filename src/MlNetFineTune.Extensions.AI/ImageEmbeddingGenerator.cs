using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetFineTune.Embeddings;

/// <summary>
/// Features of pictures, by a transformer that is not owned. One thread computes them: libtorch keeps a thread pool for each thread that
/// ever ran a forward pass. The pictures of calls that wait are computed together.
/// </summary>
internal sealed class ImageEmbeddingGenerator : IEmbeddingGenerator<DataContent, Embedding<float>>
{
    private const int MostRowsTogether = 256;

    private readonly MLContext _ml;
    private readonly ITransformer _model;
    private readonly string _featuresColumn;
    private readonly SchemaDefinition _row = SchemaDefinition.Create(typeof(Row));
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly BlockingCollection<Call> _calls = [];

    public ImageEmbeddingGenerator(MLContext ml, ITransformer model, string featuresColumn, string imageColumn)
    {
        (_ml, _model, _featuresColumn) = (ml, model, featuresColumn);
        _row[nameof(Row.Image)].ColumnName = imageColumn;
        _metadata = new(nameof(MlNetFineTune), defaultModelDimensions: CountFeatures(imageColumn));
        new Thread(Work) { IsBackground = true, Name = "MlNetFineTune embeddings" }.Start();
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
        var call = new Call([.. values.Select((value, place) => new Row { Image = BytesOf(value, place) })], cancellationToken);
        try
        {
            _calls.Add(call, cancellationToken);
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(ImageEmbeddingGenerator));
        }
        return call.Result.Task;
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

    /// <summary>Refuses further calls. Those that wait are still answered. The model is the caller's.</summary>
    public void Dispose() => _calls.CompleteAdding();

    private void Work()
    {
        var together = new List<Call>();
        foreach (var first in _calls.GetConsumingEnumerable())
        {
            together.Clear();
            together.Add(first);
            while (together.Sum(call => call.Rows.Length) < MostRowsTogether && _calls.TryTake(out var next))
                together.Add(next);
            together.RemoveAll(call => call.EndIfCancelled());
            try
            {
                var features = Compute([.. together.SelectMany(call => call.Rows)]);
                var begin = 0;
                foreach (var call in together)
                {
                    call.End(features.AsSpan(begin, call.Rows.Length));
                    begin += call.Rows.Length;
                }
            }
            catch (Exception e) // belongs to the callers
            {
                foreach (var call in together)
                    call.Result.TrySetException(e);
            }
        }
    }

    private float[][] Compute(Row[] rows)
    {
        var all = new List<float[]>(rows.Length);
        var data = _model.Transform(_ml.Data.LoadFromEnumerable(rows, _row));
        var column = data.Schema[_featuresColumn];
        using var cursor = data.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> features = default;
        while (cursor.MoveNext())
        {
            getter(ref features);
            all.Add([.. features.DenseValues()]);
        }
        return [.. all];
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

    private sealed record Call(Row[] Rows, CancellationToken Cancellation)
    {
        public TaskCompletionSource<GeneratedEmbeddings<Embedding<float>>> Result { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool EndIfCancelled() => Cancellation.IsCancellationRequested && Result.TrySetCanceled(Cancellation);

        public void End(ReadOnlySpan<float[]> features)
        {
            var embeddings = new GeneratedEmbeddings<Embedding<float>>(features.Length);
            foreach (var vector in features)
            {
                if (vector.Any(float.IsNaN))
                {
                    Result.TrySetException(new InvalidDataException(
                        $"Picture {embeddings.Count} of the call ({Rows[embeddings.Count].Image.Length} bytes, counted from 0) cannot be "
                        + "read. JPEG, PNG, GIF, BMP and WebP files can."));
                    return;
                }
                embeddings.Add(new Embedding<float>(vector));
            }
            Result.TrySetResult(embeddings);
        }
    }

    private sealed class Row
    {
        public byte[] Image { get; set; } = [];
    }
}
