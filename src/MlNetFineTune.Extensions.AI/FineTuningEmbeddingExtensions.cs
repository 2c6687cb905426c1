using Microsoft.Extensions.AI;
using MlNetFineTune;
using MlNetFineTune.Embeddings;

namespace Microsoft.ML;

/// <summary>Features of pictures and texts for libraries that take embeddings from Microsoft.Extensions.AI: vector stores.</summary>
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
        return new FeatureEmbeddingGenerator<DataContent, PictureColumn.Row>(
            catalog.Context, model, featuresColumnName, new PictureColumn(imageColumnName));
    }

    /// <summary>
    /// Creates a generator of text embeddings for vector stores such as those of Microsoft.Extensions.VectorData. Texts are computed in
    /// batches of similar length, those of concurrent calls together, on one thread, which ends with <c>Dispose</c>. Thread-safe.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="model">
    /// The transformer of <c>ExtractTextFeatures</c> for single texts, or a chain with it. The caller keeps ownership and disposes it after
    /// the last call of the generator.
    /// </param>
    /// <param name="featuresColumnName">Name of the feature column, a vector of Single of known size. Default "Features".</param>
    /// <param name="textColumnName">Name of the model's text column. Default "Text".</param>
    /// <returns>
    /// A generator of one vector for each text, in order. <see cref="GeneratedEmbeddings{TEmbedding}.Usage"/> has the number of tokens
    /// after truncation, with special tokens. A text without features, such as a longer one with <see cref="TextTruncation.Refuse"/>, is
    /// an <see cref="InvalidDataException"/> with its index in the call.
    /// </returns>
    /// <exception cref="ArgumentException">The model requires another column, or the column does not contain features.</exception>
    public static IEmbeddingGenerator<string, Embedding<float>> CreateTextEmbeddingGenerator(
        this FineTuningCatalog catalog, ITransformer model, string featuresColumnName = "Features", string textColumnName = "Text")
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrWhiteSpace(featuresColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(textColumnName);
        return new FeatureEmbeddingGenerator<string, TextColumn.Row>(
            catalog.Context, model, featuresColumnName, new TextColumn(textColumnName));
    }
}
