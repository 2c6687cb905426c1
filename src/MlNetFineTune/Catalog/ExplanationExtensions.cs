using Microsoft.ML.Data;
using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Transforms;

namespace Microsoft.ML;

// Explanations of predictions: ml.Transforms.ExplainImages(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Adds a heat map to each picture: the regions that contributed to an output of a fine-tuned model, drawn over the picture, and
    /// optionally the numbers of the map.
    /// </summary>
    /// <remarks>
    /// <para>Column <paramref name="outputColumnName"/>: an <see cref="MLImage"/> of the picture's own size, with its EXIF orientation
    /// applied; missing if the picture cannot be read. The map covers the network's input; the area outside the centre crop of scoring is
    /// darkened. Each value is a new image, which the reader disposes.</para>
    /// <para>Column <paramref name="mapColumnName"/>: a vector of Single of known size, [height, width] in row-major order, with the values
    /// of the method for the centre crop; NaN if the picture cannot be read.</para>
    /// <para>Nothing is learned: <c>Fit</c> checks the columns. The transformer shares the network with the model, can be appended to it in
    /// a chain, and is saved and loaded with it: the zip contains the weights once. Columns that are not requested cost nothing.</para>
    /// </remarks>
    /// <param name="catalog">The catalog <c>ml.Transforms</c>.</param>
    /// <param name="outputColumnName">Name of the added column of pictures.</param>
    /// <param name="inputColumnName">
    /// Name of the column of pictures: paths, file contents, images, or pixels if the model was trained on pixels. The data must also have
    /// the other input columns of the model, if there are any.
    /// </param>
    /// <param name="model">A fine-tuned model, or a chain with one. The caller keeps ownership.</param>
    /// <param name="explanation">The method and the explained output.</param>
    /// <param name="mapColumnName">Name of the added column of map values. Default null: none.</param>
    /// <exception cref="ArgumentException">
    /// The model has no such class or head, its network does not support the method, or <paramref name="model"/> contains no fine-tuned
    /// model or more than one.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static IEstimator<ImageExplainingTransformer> ExplainImages(
        this TransformsCatalog catalog, string outputColumnName, string inputColumnName, ITransformer model, Explanation explanation,
        string? mapColumnName = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputColumnName);
        ArgumentException.ThrowIfNullOrWhiteSpace(inputColumnName);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(explanation);
        if (mapColumnName is not null)
            ArgumentException.ThrowIfNullOrWhiteSpace(mapColumnName);
        return new ImageExplainingEstimator(
            Contexts.GetEnvironment(catalog), model, outputColumnName, inputColumnName, explanation, mapColumnName);
    }
}
