using MlNetFineTune;
using MlNetFineTune.MlNet;

namespace Microsoft.ML;

// Feature extraction with frozen text networks: ml.Transforms.ExtractTextFeatures(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Computes a feature vector (embedding) for each text with a frozen network, in batches of texts of similar length, for ML.NET's own
    /// trainers and for search. <c>Fit</c> only loads the network. For a fine-tuned model use <see cref="TextBackbone.FromModel"/>.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.Transforms</c>.</param>
    /// <param name="outputColumnName">Name of the output column: a vector of Single with slot names.</param>
    /// <param name="inputColumnName">Name of the column of texts.</param>
    /// <param name="backbone">
    /// The network, its weights, its tokenizer, and by <see cref="TextBackbone.Pooling"/> the mean of the tokens, the class token or
    /// another pooling.
    /// </param>
    /// <param name="options">
    /// Normalisation (on by default), maximum length, truncation, a second column of pairs, cache and others; null for the defaults.
    /// </param>
    /// <exception cref="ArgumentException">The options contradict each other, or do not fit the network.</exception>
    public static TextFeaturesEstimator ExtractTextFeatures(
        this TransformsCatalog catalog, string outputColumnName, string inputColumnName, TextBackbone backbone,
        TextFeatureOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(inputColumnName);
        ArgumentNullException.ThrowIfNull(backbone);
        return new TextFeaturesEstimator(
            Contexts.GetEnvironment(catalog), outputColumnName, inputColumnName, backbone, options ?? new TextFeatureOptions());
    }
}
