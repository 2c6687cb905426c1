using MlNetFineTune;
using MlNetFineTune.MlNet;
using MlNetFineTune.Networks;
using MlNetFineTune.Primitives;

namespace Microsoft.ML;

// Serving among ML.NET's operations on models: ml.Model.CreatePredictor(...), ml.Model.SaveAtomically(...).
public static partial class FineTuningExtensions
{
    /// <summary>Makes one predictor for a whole application: thread-safe, asynchronous, batching. Create it once, not per call.</summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="model">
    /// A fine-tuned model or a chain with one, of whatever row-to-row transforms. Stays the caller's: dispose it after the predictor.
    /// </param>
    /// <param name="options">Batches, delay, queue; null for the defaults.</param>
    /// <param name="example">
    /// A row that is scored for warm-up before this returns, alone and in batches, and before a model that takes this one's place does.
    /// Null: the first callers wait a little longer.
    /// </param>
    /// <typeparam name="TIn">A row of the input.</typeparam>
    /// <typeparam name="TOut">Columns of the output.</typeparam>
    /// <exception cref="ArgumentException">The model does not go row by row.</exception>
    /// <exception cref="Exception">
    /// A column of <typeparamref name="TIn"/> or <typeparamref name="TOut"/> is missing or of another type, or <paramref name="example"/>
    /// cannot be scored.
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
    /// <c>ml.Model.Save</c>, written beside, flushed to the disk and renamed: whoever loads the file sees the earlier model or this one,
    /// never a part, and if saving fails the earlier file stays.
    /// </summary>
    /// <param name="catalog">The operations on models.</param>
    /// <param name="model">Any.</param>
    /// <param name="inputSchema">Of its input; may be null, as for ML.NET.</param>
    /// <param name="path">The zip.</param>
    public static void SaveAtomically(this ModelOperationsCatalog catalog, ITransformer model, DataViewSchema? inputSchema, string path)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        AtomicFile.Write(path, stream => catalog.Save(model, inputSchema, stream));
    }
}
