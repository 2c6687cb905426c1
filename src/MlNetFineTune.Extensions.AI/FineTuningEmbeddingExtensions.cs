using Microsoft.Extensions.AI;
using MlNetFineTune;
using MlNetFineTune.Embeddings;

namespace Microsoft.ML;

/// <summary>Image features for libraries that take embeddings from Microsoft.Extensions.AI, such as vector stores.</summary>
public static class FineTuningEmbeddingExtensions
{
    /// <summary>
    /// Creates a generator of picture embeddings for vector stores such as those of Microsoft.Extensions.VectorData. Pictures are computed
    /// in batches, those of concurrent calls together, on one thread, which ends with <c>Dispose</c>. Thread-safe.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="model">
    /// The transformer of <c>ExtractImageFeatures</c>, or a chain with it, whose image column is a vector of Byte: the content of a file.
    /// The caller keeps ownership and disposes it after the last call of the generator.
    /// </param>
    /// <param name="featuresColumnName">Name of the feature column, a vector of Single of known size. Default "Features".</param>
    /// <param name="imageColumnName">Name of the model's image column. Default "Image".</param>
    /// <returns>
    /// A generator of one vector for each picture, in order. It takes <see cref="DataContent"/> with the bytes of JPEG, PNG, GIF, BMP and
    /// WebP files. A picture that cannot be read is an <see cref="InvalidDataException"/> with its index in the call.
    /// </returns>
    /// <exception cref="ArgumentException">The model requires another column, or the column does not contain features.</exception>
    public static IEmbeddingGenerator<DataContent, Embedding<float>> CreateImageEmbeddingGenerator(
        this FineTuningCatalog catalog, ITransformer model, string featuresColumnName = "Features", string imageColumnName = "Image")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrWhiteSpace(featuresColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(imageColumnName);
        return new ImageEmbeddingGenerator(catalog.Context, model, featuresColumnName, imageColumnName);
    }
}
