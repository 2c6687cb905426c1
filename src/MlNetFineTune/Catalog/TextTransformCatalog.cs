using MlNetFineTune;
using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tokenizers;

namespace Microsoft.ML;

// Features of frozen text networks: ml.Transforms.ExtractTextFeatures(...); tokens: ml.Transforms.TokenizeText(...).
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

    /// <summary>
    /// Splits texts into the tokens of a network's vocabulary, with special tokens, as in its training. Needs no libtorch. The transformer
    /// is saved with the vocabulary.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.Transforms</c>.</param>
    /// <param name="outputColumnName">Name of the column of token ids: a vector of Int64.</param>
    /// <param name="inputColumnName">Name of the column of texts.</param>
    /// <param name="backbone">The network with its tokenizer. Its weights are not read.</param>
    /// <param name="options">Maximum length, truncation, a second column of pairs, further columns; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options contradict each other, or do not fit the network.</exception>
    public static TextTokenizingEstimator TokenizeText(
        this TransformsCatalog catalog, string outputColumnName, string inputColumnName, TextBackbone backbone,
        TextTokenizingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(inputColumnName);
        ArgumentNullException.ThrowIfNull(backbone);
        return TextTokenizingEstimator.Of(
            Contexts.GetEnvironment(catalog), outputColumnName, inputColumnName, backbone.Tokenizer!, backbone.MaximumLength,
            options ?? new TextTokenizingOptions());
    }

    /// <summary>The same with the tokenizer of a folder, which needs no network.</summary>
    /// <param name="catalog">The catalog <c>ml.Transforms</c>.</param>
    /// <param name="outputColumnName">Name of the column of token ids: a vector of Int64.</param>
    /// <param name="inputColumnName">Name of the column of texts.</param>
    /// <param name="folder">
    /// Path of a folder with <c>tokenizer.json</c>, or <c>vocab.txt</c>, or <c>vocab.json</c> and <c>merges.txt</c>, and
    /// <c>tokenizer_config.json</c> beside it, as on the hub.
    /// </param>
    /// <param name="options">Maximum length, truncation, a second column of pairs, further columns; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">The folder has no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or describes a tokenizer that is not supported.</exception>
    public static TextTokenizingEstimator TokenizeText(
        this TransformsCatalog catalog, string outputColumnName, string inputColumnName, string folder,
        TextTokenizingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(inputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        return TextTokenizingEstimator.Of(
            Contexts.GetEnvironment(catalog), outputColumnName, inputColumnName, TokenizerFiles.Open(Path.GetFullPath(folder)),
            TextInputManifest.Longest, options ?? new TextTokenizingOptions());
    }

    /// <summary>The same as a trained or loaded model does it: with its tokenizer, columns, maximum length and truncation.</summary>
    /// <param name="catalog">The catalog <c>ml.Transforms</c>.</param>
    /// <param name="outputColumnName">Name of the column of token ids: a vector of Int64.</param>
    /// <param name="model">
    /// A <see cref="FineTuningTransformer"/> or <see cref="FeaturesTransformer"/> of texts, or a chain with one. It is not used later.
    /// </param>
    /// <param name="options">What differs from the model, and further columns; null for the defaults.</param>
    /// <exception cref="ArgumentException">
    /// The model contains no model of texts or more than one, or the options contradict each other.
    /// </exception>
    public static TextTokenizingEstimator TokenizeText(
        this TransformsCatalog catalog, string outputColumnName, ITransformer model, TextTokenizingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        return TextTokenizingEstimator.OfModel(
            Contexts.GetEnvironment(catalog), outputColumnName, model, options ?? new TextTokenizingOptions());
    }
}
