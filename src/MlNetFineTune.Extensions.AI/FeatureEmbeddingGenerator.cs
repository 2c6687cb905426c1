using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Embeddings;

/// <summary>
/// Features of pictures or texts, by a transformer that is not owned. One thread computes them: libtorch keeps a thread pool for each
/// thread that ever ran a forward pass. The values of calls that wait are computed together.
/// </summary>
internal sealed class FeatureEmbeddingGenerator<TValue, TRow> : IEmbeddingGenerator<TValue, Embedding<float>>
    where TRow : class, new()
{
    private const int MostRowsTogether = 256;

    private readonly MLContext _ml;
    private readonly ITransformer _model;
    private readonly string _featuresColumn;
    private readonly EmbeddedColumn<TValue, TRow> _column;
    private readonly FeaturesTransformer? _extractor; // the only one of the model, for the name of the network and the number of tokens
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly BlockingCollection<Call> _calls = [];

    public FeatureEmbeddingGenerator(MLContext ml, ITransformer model, string featuresColumn, EmbeddedColumn<TValue, TRow> column)
    {
        (_ml, _model, _featuresColumn, _column) = (ml, model, featuresColumn, column);
        var dimensions = CountFeatures();
        _extractor = SourceModel.Flat(model).OfType<FeaturesTransformer>().ToList() is [var only] ? only : null;
        _metadata = new(nameof(MlNetFineTune), defaultModelId: _extractor?.NetworkName, defaultModelDimensions: dimensions);
        new Thread(Work) { IsBackground = true, Name = "MlNetFineTune embeddings" }.Start();
    }

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<TValue> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is { } dimensions && dimensions != _metadata.DefaultModelDimensions)
        {
            throw new NotSupportedException(
                $"EmbeddingGenerationOptions.Dimensions is {dimensions}, and the features of this model are "
                + $"{_metadata.DefaultModelDimensions} numbers: leave it out.");
        }
        var call = new Call([.. values.Select(_column.RowOf)], cancellationToken);
        try
        {
            _calls.Add(call, cancellationToken);
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(_column.GeneratorName);
        }
        return call.Result.Task.WaitAsync(cancellationToken); // a cancelled call ends at once, also while it is computed
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
                Answer(together);
            }
            catch (Exception e) // belongs to the callers
            {
                foreach (var call in together)
                    call.Result.TrySetException(e);
            }
        }
    }

    private void Answer(List<Call> together)
    {
        var features = new List<float[]>(together.Sum(call => call.Rows.Length));
        foreach (var row in FeaturesOf([.. together.SelectMany(call => call.Rows)]))
        {
            features.Add(row);
            if (together.TrueForAll(call => call.EndIfCancelled())) // nobody waits for the rest
                return;
        }
        var begin = 0;
        foreach (var call in together)
        {
            End(call, features[begin..(begin + call.Rows.Length)]);
            begin += call.Rows.Length;
        }
    }

    private IEnumerable<float[]> FeaturesOf(TRow[] rows)
    {
        var data = _model.Transform(_ml.Data.LoadFromEnumerable(rows, _column.Definition));
        var column = data.Schema[_featuresColumn];
        using var cursor = data.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> features = default;
        while (cursor.MoveNext())
        {
            getter(ref features);
            yield return [.. features.DenseValues()];
        }
    }

    private void End(Call call, List<float[]> features)
    {
        if (features.FindIndex(vector => vector.Any(float.IsNaN)) is >= 0 and var bad)
        {
            call.Result.TrySetException(new InvalidDataException(_column.Unreadable(call.Rows[bad], bad)));
            return;
        }
        call.Result.TrySetResult(new GeneratedEmbeddings<Embedding<float>>(features.Select(vector => new Embedding<float>(vector)))
        {
            Usage = _extractor is not null && _column.CountTokens(_extractor, call.Rows) is { } tokens
                ? new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens }
                : null,
        });
    }

    private int CountFeatures()
    {
        DataViewSchema schema;
        try
        {
            schema = _model.GetOutputSchema(_ml.Data.LoadFromEnumerable(Array.Empty<TRow>(), _column.Definition).Schema);
        }
        catch (ArgumentException e) // ML.NET's schema mismatch
        {
            throw new ArgumentException(_column.Mismatch(e), "model", e);
        }
        var type = schema.GetColumnOrNull(_featuresColumn)?.Type as VectorDataViewType;
        return type is { Size: > 0 } && type.ItemType == NumberDataViewType.Single
            ? type.Size
            : throw new ArgumentException(
                $"The model gives no vector of Single of known size in column '{_featuresColumn}': it has "
                + $"{string.Join(", ", schema.Select(column => $"{column.Name} ({column.Type})"))}. Give featuresColumnName.", "model");
    }

    private sealed record Call(TRow[] Rows, CancellationToken Cancellation)
    {
        public TaskCompletionSource<GeneratedEmbeddings<Embedding<float>>> Result { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends the call if it was cancelled.</summary>
        /// <returns>Whether it was.</returns>
        public bool EndIfCancelled()
        {
            if (Cancellation.IsCancellationRequested)
                Result.TrySetCanceled(Cancellation);
            return Cancellation.IsCancellationRequested;
        }
    }
}
