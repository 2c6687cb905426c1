using Microsoft.Extensions.AI;
using MlNetFineTune;
using MlNetFineTune.Embeddings;

namespace Microsoft.ML;

/// <summary>Image features for libraries that take embeddings from Microsoft.Extensions.AI, such as vector stores.</summary>
public static class FineTuningEmbeddingExtensions
{
    /// <summary>
    /// Gives the features of pictures by the interface that vector stores of Microsoft.Extensions.VectorData and others use. All pictures
    /// of a call are computed in batches. Safe for use from many threads.
    /// </summary>
    /// <param name="catalog">Of the context.</param>
    /// <param name="model">
    /// The transformer of <c>ExtractImageFeatures</c>, or a chain with it, whose image column is a vector of Byte: the content of a file.
    /// It stays the caller's, who disposes it after the generator's last call.
    /// </param>
    /// <param name="featuresColumnName">The column with the features: a vector of Single of known size. Default "Features".</param>
    /// <param name="imageColumnName">The column that the model reads pictures from. Default "Image".</param>
    /// <returns>
    /// A generator of one vector for each picture, in order. It takes <see cref="DataContent"/> with the bytes of JPEG, PNG, GIF, BMP and
    /// WebP files. A picture that cannot be read is an <see cref="InvalidDataException"/> that says which one of the call it is.
    /// </returns>
    /// <exception cref="ArgumentException">The model needs another column, or gives no features in the column.</exception>
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
