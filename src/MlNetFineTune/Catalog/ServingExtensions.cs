using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace Microsoft.ML;

// Serving and saving of models: ml.Model.CreatePredictor(...), ml.Model.SaveAtomically(...).
public static partial class FineTuningExtensions
{
    /// <summary>
    /// Creates a predictor: thread-safe, asynchronous, and batching concurrent calls. Create one per application, not one per call.
    /// </summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="model">
    /// A fine-tuned model, or a chain of row-to-row transforms with one. The caller keeps ownership: dispose it after the predictor.
    /// </param>
    /// <param name="options">Batch size, delay and queue. Default null: the defaults of <see cref="PredictorOptions"/>.</param>
    /// <param name="example">
    /// A row that is scored for warm-up, alone and in batches, before this method returns and before a replacement model is used.
    /// Default null: no warm-up, so that the first calls take longer.
    /// </param>
    /// <typeparam name="TIn">Type of an input row.</typeparam>
    /// <typeparam name="TOut">Type of an output row: the columns that are returned.</typeparam>
    /// <exception cref="ArgumentException">The model is not a row-to-row mapper.</exception>
    /// <exception cref="Exception">
    /// A column of <typeparamref name="TIn"/> or <typeparamref name="TOut"/> is missing or of another type, or
    /// <paramref name="example"/> cannot be scored.
    /// </exception>
    public static Predictor<TIn, TOut> CreatePredictor<TIn, TOut>(
        this ModelOperationsCatalog catalog, ITransformer model, PredictorOptions? options = null, TIn? example = null)
        where TIn : class
        where TOut : class, new()
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        return new Predictor<TIn, TOut>(Contexts.GetEnvironment(catalog), model, options ?? new PredictorOptions(), example);
    }

    /// <summary>
    /// Saves a model as <c>ml.Model.Save</c> does, to a temporary file beside <paramref name="path"/>, which is flushed to disk and
    /// renamed: a reader of the file sees either the old or the new model, never a part. If saving fails, the old file is unchanged.
    /// </summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="model">Any transformer.</param>
    /// <param name="inputSchema">Schema of the input; may be null, as in <c>ml.Model.Save</c>.</param>
    /// <param name="path">Path of the zip file; an existing file is replaced.</param>
    public static void SaveAtomically(this ModelOperationsCatalog catalog, ITransformer model, DataViewSchema? inputSchema, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        AtomicFile.Write(path, stream => catalog.Save(model, inputSchema, stream));
    }
}
