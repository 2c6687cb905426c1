using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Trainers;

namespace Microsoft.ML;

// Feature extraction with frozen networks: ml.Transforms.ExtractImageFeatures(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Computes a feature vector for each picture with a frozen network, in batches, for ML.NET's own trainers. <c>Fit</c> only loads the
    /// network, except with <see cref="FeaturePooling.Attention"/>. For a fine-tuned model use <see cref="Backbone.FromModel"/>.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.Transforms</c>.</param>
    /// <param name="outputColumnName">Name of the output column: a vector of Single with slot names.</param>
    /// <param name="inputColumnName">
    /// Name of the image column: text with paths of files; vectors of Byte with the content of files; images, as from <c>LoadImages</c>;
    /// or, with <see cref="ImageFeatureOptions.RawPixels"/>, vectors of pixels.
    /// </param>
    /// <param name="backbone">The network and its weights.</param>
    /// <param name="options">Pooling, cache and others; null for the defaults.</param>
    /// <exception cref="ArgumentException">The backbone has no weights, or its input is not a picture.</exception>
    public static ImageFeaturesEstimator ExtractImageFeatures(
        this TransformsCatalog catalog, string outputColumnName, string inputColumnName, Backbone backbone,
        ImageFeatureOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(inputColumnName);
        ArgumentNullException.ThrowIfNull(backbone);
        var (env, chosen) = (Contexts.GetEnvironment(catalog), options ?? new ImageFeatureOptions());
        return new ImageFeaturesEstimator(
            env, outputColumnName, inputColumnName, backbone, chosen, AttentionProbe.Of(env, inputColumnName, backbone, chosen));
    }
}
