using MlNetFineTune;
using MlNetFineTune.Networks;
using MlNetFineTune.Onnx;

namespace Microsoft.ML;

/// <summary>Exports fine-tuned networks to ONNX; extensions of <c>ml.FineTuning</c>.</summary>
public static class FineTuningOnnxExtensions
{
    /// <summary>
    /// Writes a fine-tuned network as an ONNX file (operator set 17). Input of image networks: <c>pixels</c>, [batch, 3, size, size]
    /// floats, red, green and blue from 0 to 255; the graph normalizes them. Input of modules with one column: for numbers <c>features</c>,
    /// [batch, ...] floats; for keys <c>keys</c>, [batch, K] UInt32, 0 for a missing key. Table columns beside the picture, and the columns
    /// of a module with several inputs (<see cref="InputBranches"/>), are inputs with the columns' names; missing numbers of a table are
    /// NaN, and with <see cref="MissingPictures"/> the input <c>missing_picture</c>, [batch, 1] floats, is 1 for a row without a picture.
    /// Inputs of text networks: <c>input_ids</c>, <c>attention_mask</c> and, where the network has several segments,
    /// <c>token_type_ids</c>, Int64 [batch, tokens] with any number of rows and tokens, which <c>ml.Transforms.TokenizeText</c> gives. A
    /// module must consist of supported layers (docs/modules.md). Outputs of multiclass and ordinal classification: <c>logits</c> and
    /// <c>probabilities</c>, [batch, classes]; of multi-label classification the same names and shapes, with a sigmoid for each label, and
    /// <c>predicted</c>, 1 for a predicted label; of binary classification: <c>logit</c> (uncalibrated) and <c>probability</c>
    /// (calibrated), [batch, 1]; of regression: <c>score</c>, [batch, 1], in the label's unit; of several heads those of each head,
    /// prefixed with its label (<c>Species.logits</c>). With <see cref="ConformalPrediction"/> also <c>prediction_set</c>,
    /// [batch, classes], 1 for a class of the set (false, true for binary models), <c>novelty</c> and <c>rejected</c>, [batch, 1], 1 for a
    /// rejected row. The file's metadata contain class names, decision thresholds and preprocessing.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="model">A fine-tuned network, or a chain with one. It is not changed and not disposed.</param>
    /// <param name="path">Path of the file. An existing file is replaced atomically.</param>
    /// <param name="precision">Number format of the weights. Default: <see cref="OnnxPrecision.Float32"/>.</param>
    /// <exception cref="ArgumentException">The model contains no fine-tuned network or more than one.</exception>
    /// <exception cref="NotSupportedException">
    /// The network is a TorchScript program, contains custom layers or a custom <c>forward</c>, has sequence inputs, labels words
    /// (<see cref="LearningTask.TokenClassification"/>) or answers questions (<see cref="LearningTask.QuestionAnswering"/>), or uses
    /// test-time augmentation; or a column has the name of another input or output of the file; or a module that is no Sequential has a
    /// novelty score. The message names the reason and an alternative.
    /// </exception>
    public static void ExportOnnx(this FineTuningCatalog catalog, ITransformer model, string path, OnnxPrecision? precision = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        OnnxExport.Write(catalog.Context, Exported.Of(model), precision ?? OnnxPrecision.Float32, path);
    }

    /// <summary>
    /// Converts a model to a chain of ML.NET's own transformers (for pictures LoadImages, ResizeImages and ExtractPixels; ApplyOnnxModel;
    /// ML.NET's scorers) with the same output columns, for every task and several heads; those of <see cref="ConformalPrediction"/> are
    /// left out, because ML.NET has no transformer for them. The chain can be saved, loaded and used without
    /// TorchSharp and this library: the application references Microsoft.ML, Microsoft.ML.ImageAnalytics and Microsoft.ML.OnnxTransformer.
    /// Of text models the first transformer is this library's: it tokenizes the texts as in training, and computes batches of rows by ONNX
    /// Runtime. The application references MlNetFineTune.Onnx and Microsoft.ML.OnnxRuntime, but no package of libtorch.
    /// ML.NET resizes pictures differently from this library, so scores differ slightly; a picture that cannot be read is always an error.
    /// ML.NET parallelizes over rows, and ONNX Runtime within each row as well: <c>ml.SetOnnxSessionOption(new OnnxSessionOptions {
    /// IntraOpNumThreads = 1 })</c> before this call, and before loading the chain, halves the CPU time and is also faster for hundreds of
    /// rows (docs/onnx.md); do not set it for scoring single rows.
    /// </summary>
    /// <param name="catalog">The catalog <c>ml.FineTuning</c>.</param>
    /// <param name="model">A fine-tuned network, or a chain with one; other transformers of the chain are not included.</param>
    /// <param name="schema">
    /// Schema of the data to score; image columns must contain paths or images, and keys must be of type UInt32, as from
    /// <c>MapValueToKey</c>.
    /// </param>
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
    /// The model contains no fine-tuned network or more than one; or a column is missing.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// As for <see cref="ExportOnnx"/>, except that column names are not restricted; or an image column contains bytes; the model allows
    /// rows without a picture (<see cref="MissingPictures"/>); or it has only one class or label.
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
