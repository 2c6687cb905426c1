using System.Numerics.Tensors;
using Microsoft.ML;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Data;
using MlNetFineTune.Networks;

namespace MlNetFineTune.Onnx;

/// <summary>Compares an exported file, computed by ONNX Runtime, with its model: the probabilities of the same encoded rows.</summary>
internal static class ExportCheck
{
    /// <summary>Largest difference of a probability that rounding explains, for a file of 32-bit weights.</summary>
    public const float Tolerance = 1e-4f;

    /// <param name="Rows">Number of rows that were compared.</param>
    /// <param name="Largest">Largest difference of a probability.</param>
    /// <param name="OtherClasses">Number of rows whose most probable class is another.</param>
    internal sealed record Result(int Rows, float Largest, int OtherClasses);

    /// <param name="model">A multiclass model of pictures or texts. It is not disposed.</param>
    /// <param name="path">The file that was exported from it.</param>
    /// <param name="data">Rows with the model's columns, of which at most 100 are compared; null for generated ones.</param>
    /// <exception cref="NotSupportedException">The model has another input.</exception>
    /// <exception cref="InvalidOperationException">No row could be read, or the native library of ONNX Runtime does not load.</exception>
    public static Result Run(FineTuningTransformer model, string path, IDataView? data)
    {
        using var session = OnnxLibrary.Load(() => new InferenceSession(path));
        var scores = new float[model.Scorer.ScoreLength]; // the probabilities come first
        var (rows, largest, others) = (0, 0f, 0);
        foreach (var row in data is null ? Generated(model.Inputs) : ActivationRanges.Samples(model, data))
        {
            model.Scorer.Score(row, 1, scores);
            using var outputs = session.Run(InputsOf(model.Inputs, row), [GraphOutput.Probabilities]);
            var ofFile = ((DenseTensor<float>)outputs.Single().Value).Buffer.Span;
            var ofModel = scores.AsSpan(0, ofFile.Length);
            for (var c = 0; c < ofFile.Length; c++)
                largest = MathF.Max(largest, MathF.Abs(ofFile[c] - ofModel[c])); // NaN stays
            others += TensorPrimitives.IndexOfMax<float>(ofFile) == TensorPrimitives.IndexOfMax<float>(ofModel) ? 0 : 1;
            rows++;
        }
        return rows > 0 ? new Result(rows, largest, others)
            : throw new InvalidOperationException("None of the rows for the check of the exported file could be read.");
    }

    private static IEnumerable<byte[]> Generated(ModelInput input)
    {
        var rows = EngineTrial.RowsOf(input);
        return rows.Chunk(rows.Length / EngineTrial.Rows);
    }

    private static List<NamedOnnxValue> InputsOf(ModelInput input, byte[] row)
    {
        if (input is ImageInput { Preprocessing.Size: var size })
            return [NamedOnnxValue.CreateFromTensor(PixelTensor.Only, ActivationRanges.PixelsOf(row, [1, 3, size, size]))];
        if (input is not TextInput texts)
        {
            throw new NotSupportedException(
                $"The check of an exported file has rows of pictures or texts, and the network sees {input.Form}.");
        }
        var hasSegments = texts.Tokens.HasSegments == true;
        var tokens = PaddedTokens.Of(row, 1, row.Length, texts.Tokenizer.Specials.Padding, hasSegments);
        List<NamedOnnxValue> values =
        [
            Named(TextInputNames.Tokens, tokens.Ids),
            Named(TextInputNames.Mask, Array.ConvertAll(tokens.Mask, isToken => isToken ? 1L : 0)),
        ];
        if (hasSegments)
            values.Add(Named(TextInputNames.Segments, tokens.Segments));
        return values;

        NamedOnnxValue Named(string name, long[] numbers) =>
            NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(numbers, [1, tokens.Longest]));
    }
}
