using Microsoft.ML.Data;
using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Transforms;

namespace Microsoft.ML;

// Explanations among ML.NET's transforms: ml.Transforms.ExplainImages(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Adds to each picture what in it speaks for an output of a fine-tuned model: the picture with heat over it, and, if asked for, the
    /// numbers of the map.
    /// </summary>
    /// <remarks>
    /// <para>Column <paramref name="outputColumnName"/>: an <see cref="MLImage"/> of the picture's own size, upright; missing where the
    /// picture cannot be read. The map lies where the network looked: what the crop of scoring leaves out is darkened. Each value is a new
    /// image, which its reader disposes.</para>
    /// <para>Column <paramref name="mapColumnName"/>: a vector of Single of known size, [height, width], as the method gives it: of the
    /// centre crop, from the upper left; NaN where the picture cannot be read.</para>
    /// <para>Nothing is learnt: <c>Fit</c> checks the columns. The transformer shares the network with the model, can be appended to it in
    /// a chain, and is saved and loaded with it: the weights stand in the zip once. Columns that nobody asks for cost nothing.</para>
    /// </remarks>
    /// <param name="catalog">The transforms.</param>
    /// <param name="outputColumnName">Name of the column that is added.</param>
    /// <param name="inputColumnName">
    /// Column of the pictures, of any type that the model reads: paths, files' bytes, images, or pixels where the model was trained on
    /// pixels. Beside it the data need the model's other input columns, if it has some.
    /// </param>
    /// <param name="model">A fine-tuned model, or a chain with one. It stays the caller's.</param>
    /// <param name="explanation">The method, and which output is explained.</param>
    /// <param name="mapColumnName">Name of the column of the map's numbers. Default null: none.</param>
    /// <exception cref="ArgumentException">
    /// The model has no such class or head, its network does not allow the method, or <paramref name="model"/> has no fine-tuned model, or
    /// more than one.
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
