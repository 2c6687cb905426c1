using MlNetFineTune;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;

namespace Microsoft.ML;

/// <summary>Exports fine-tuned networks to ONNX; extensions of <c>ml.FineTuning</c>.</summary>
public static class FineTuningOnnxExtensions
{
    /// <summary>
    /// Writes a fine-tuned network as an ONNX file (operator set 17). Input of image networks: <c>pixels</c>, [batch, 3, size, size]
    /// floats, red, green and blue from 0 to 255; the graph normalizes them. Input of modules with one numeric column: <c>features</c>,
    /// [batch, ...] floats; the module must be a <c>Sequential</c> of supported layers (docs/modules.md). Outputs of multiclass and ordinal
    /// classification: <c>logits</c> and <c>probabilities</c>, [batch, classes]; of multi-label classification the same names and shapes,
    /// with a sigmoid for each label; of binary classification: <c>logit</c> (uncalibrated) and <c>probability</c> (calibrated), [batch,
    /// 1]; of regression: <c>score</c>, [batch, 1], in the label's unit. The file's metadata contain class names, decision thresholds and
    /// preprocessing.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="model">A fine-tuned network, or a chain with one. It is not changed and not disposed.</param>
    /// <param name="path">Path of the file. An existing file is replaced atomically.</param>
    /// <param name="precision">Number format of the weights. Default: <see cref="OnnxPrecision.Float32"/>.</param>
    /// <exception cref="ArgumentException">The model contains no fine-tuned network or more than one.</exception>
    /// <exception cref="NotSupportedException">
    /// The network is a TorchScript program, contains custom layers or a custom <c>forward</c>, has key inputs or several inputs, or uses
    /// test-time augmentation. The message names the reason and an alternative.
    /// </exception>
    public static void ExportOnnx(this FineTuningCatalog catalog, ITransformer model, string path, OnnxPrecision? precision = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        OnnxExport.Write(catalog.Context, Exported.Of(model), precision ?? OnnxPrecision.Float32, path);
    }

    /// <summary>
    /// Converts a model to a chain of ML.NET's own transformers (LoadImages, ResizeImages, ExtractPixels, ApplyOnnxModel, a linear scorer)
    /// with the same output columns, for multiclass, ordinal and binary classification and regression. The chain can be saved, loaded and
    /// used without TorchSharp and this library: the application references Microsoft.ML, Microsoft.ML.ImageAnalytics and
    /// Microsoft.ML.OnnxTransformer. ML.NET resizes pictures differently from this library, so scores differ slightly; a picture that
    /// cannot be read is always an error. ML.NET parallelizes over rows, and ONNX Runtime within each row as well:
    /// <c>ml.SetOnnxSessionOption(new OnnxSessionOptions { IntraOpNumThreads = 1 })</c> before this call, and before loading the chain,
    /// halves the CPU time and is also faster for hundreds of rows (docs/onnx.md); do not set it for scoring single rows.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="model">A fine-tuned image network, or a chain with one; other transformers of the chain are not included.</param>
    /// <param name="schema">Schema of the data to score; the image column must contain paths or images.</param>
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
    /// The model contains no fine-tuned network or more than one; or the image column is missing.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// As for <see cref="ExportOnnx"/>; or the network is a module; the image column contains bytes; the model has only one class; or a
    /// binary model's probability and predicted label columns do not have ML.NET's names.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// <c>MLContext.GpuDeviceId</c> is set, the referenced ONNX Runtime package is the one for the CPU, and <c>FallbackToCpu</c> is false;
    /// the message names the package to reference.
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
