using MlNetFineTune;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;

namespace Microsoft.ML;

/// <summary>Exports fine-tuned networks to ONNX; extensions of <c>ml.FineTuning</c>.</summary>
public static class FineTuningOnnxExtensions
{
    /// <summary>
    /// Writes a fine-tuned network as an ONNX file (operator set 17) that any runtime scores. Input <c>pixels</c>: [batch, 3, size,
    /// size] floats, red, green and blue from 0 to 255; normalisation is inside. Of a module that sees one column of numbers
    /// <c>features</c>: [batch, ...] floats as the module sees them; of keys <c>keys</c>: [batch, K] UInt32, 0 where one is missing. The
    /// columns of a table beside the picture, and of a module of several inputs (<see cref="InputBranches"/>), are inputs called after
    /// them; a table's numbers are NaN where one is missing, and with <see cref="MissingPictures"/> the input <c>missing_picture</c>,
    /// [batch, 1] floats, is 1 where there is no picture. A module is made of layers that the exporter knows (docs/modules.md).
    /// Outputs of multiclass and ordinal classification: <c>logits</c> and <c>probabilities</c>, [batch, classes]; of several labels a row
    /// the same, a sigmoid each, and <c>predicted</c>, 1 where the row has the label; of binary classification: <c>logit</c> (as the
    /// network gives it) and <c>probability</c> (calibrated), [batch, 1]; of regression: <c>score</c>, [batch, 1], in the label's unit; of
    /// several heads each one's, with its label before it (<c>Species.logits</c>). Class names, the thresholds of probabilities and
    /// preprocessing are in the file's metadata.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="model">A fine-tuned network, or a chain with one. It is not changed and not disposed.</param>
    /// <param name="path">Path of the file. An existing file is replaced atomically.</param>
    /// <param name="precision">Number format of the weights. Default: <see cref="OnnxPrecision.Float32"/>.</param>
    /// <exception cref="ArgumentException">The model contains no fine-tuned network or more than one.</exception>
    /// <exception cref="NotSupportedException">
    /// The network is a TorchScript program, or has layers of your own or a forward of its own; it sees sequences; a column is called as
    /// another input or an output of the file is; or the model scores several views. The message says which, and what to do.
    /// </exception>
    public static void ExportOnnx(this FineTuningCatalog catalog, ITransformer model, string path, OnnxPrecision? precision = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        OnnxExport.Write(catalog.Context, Exported.Of(model), precision ?? OnnxPrecision.Float32, path);
    }

    /// <summary>
    /// A chain of ML.NET's own transformers (of pictures LoadImages, ResizeImages and ExtractPixels; ApplyOnnxModel; scorers of ML.NET's
    /// own) that gives the model's columns, of every task and of several heads. It saves, loads and scores where neither
    /// TorchSharp nor this library is: the application references Microsoft.ML, Microsoft.ML.ImageAnalytics and
    /// Microsoft.ML.OnnxTransformer. ML.NET resizes pictures otherwise than we do, so scores differ a little; a picture that cannot be read
    /// is an error there. Dispose the chain: it keeps the network in a temporary file (in <c>MLContext.TempFilePath</c>). A cursor in use
    /// then throws <see cref="ObjectDisposedException"/>. ML.NET scores many rows on all cores, and ONNX Runtime each row as well:
    /// <c>ml.SetOnnxSessionOption(new OnnxSessionOptions { IntraOpNumThreads = 1 })</c> before this call, and before the chain is loaded,
    /// halves the processor time, and where hundreds of rows are scored it is the faster too (docs/onnx.md);
    /// for one row at a time leave it out.
    /// </summary>
    /// <param name="catalog">Of the context.</param>
    /// <param name="model">A fine-tuned network, or a chain with one; other transformers of the chain are not taken over.</param>
    /// <param name="schema">Of the data to score; image columns must hold paths or images, and keys must be of UInt32, as
    /// <c>MapValueToKey</c> makes them.</param>
    /// <param name="oversampling">
    /// ML.NET downscales pictures without antialiasing. With 2, it resizes to twice the size and the graph averages 2 × 2 pixels: closer to
    /// the pixels of training, at three times the preprocessing cost. 1 to 4; default: 1.
    /// </param>
    /// <param name="precision">Number format of the weights. Default: <see cref="OnnxPrecision.Float32"/>.</param>
    /// <returns>
    /// The chain. The caller disposes it: it contains the network as a temporary file (in <c>MLContext.TempFilePath</c>). An open cursor
    /// then throws <see cref="ObjectDisposedException"/>.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// There is no fine-tuned network in the model, or more than one; or a column is missing.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// As for <see cref="ExportOnnx"/>, but that names of columns are free; or an image column holds bytes; or the model takes rows without
    /// a picture (<see cref="MissingPictures"/>), or has one class or one label.
    /// </exception>
    public static ITransformer ToOnnxPipeline(
        this FineTuningCatalog catalog, ITransformer model, DataViewSchema schema, int oversampling = 1, OnnxPrecision? precision = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentOutOfRangeException.ThrowIfLessThan(oversampling, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oversampling, 4);
        return OnnxPipeline.Of(catalog.Context, Exported.Of(model), schema, precision ?? OnnxPrecision.Float32, oversampling);
    }
}
