using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>Small text models, texts that are difficult to encode, and the inputs of their network files.</summary>
internal static class ExportedText
{
    // No text, no known word, more tokens than fit, one word.
    private static readonly string[] s_difficult =
        ["", "Ωmega 字 🙂 \ud800", string.Join(' ', Enumerable.Repeat("great film, the book is awful", 9)), "good", " \t ", "[CLS] good"];

    /// <summary>Trains one epoch, so that the outputs are those of no particular text.</summary>
    public static FineTuningTransformer Fit(MLContext ml, TextFineTuningOptions options, IDataView? data = null) =>
        ml.FineTuning.FineTuneText(options with { Epochs = 1 }).Fit(data ?? SmallTexts.View(ml, SmallTexts.Take(64)));

    public static TextFineTuningOptions OfClasses { get; } =
        SmallTexts.Options with { LabelColumnName = "Label", Task = LearningTask.Multiclass() };

    /// <summary>Rows of all lengths, difficult ones among them.</summary>
    public static TextRow[] Rows() =>
    [
        .. SmallTexts.Take(24, seed: 5),
        .. s_difficult.Select((text, i) => new TextRow
        {
            Text = text,
            Second = s_difficult[(i + 2) % s_difficult.Length],
            Kind = i % 2 == 0 ? "good" : "bad",
            IsGood = i % 2 == 0,
        }),
    ];

    /// <summary>The inputs of a network for rows, padded to the longest; made by the tokenizer of the model.</summary>
    public static NamedOnnxValue[] Inputs(MLContext ml, ITransformer model, IDataView data, bool hasTypes = true)
    {
        var options = new TextTokenizingOptions { TokenTypesColumnName = "Types", MaskColumnName = "Mask" };
        var tokens = ml.Transforms.TokenizeText("Ids", model, options).Fit(data).Transform(data);
        long[][] ids = [.. tokens.GetColumn<long[]>("Ids")];
        var longest = ids.Max(row => row.Length);
        List<NamedOnnxValue> inputs = [Padded("input_ids", ids), Padded("attention_mask", [.. tokens.GetColumn<long[]>("Mask")])];
        if (hasTypes)
            inputs.Add(Padded("token_type_ids", [.. tokens.GetColumn<long[]>("Types")]));
        return [.. inputs];

        // [PAD] is token 0.
        NamedOnnxValue Padded(string name, long[][] rows) => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(
            rows.SelectMany(row => row.Concat(Enumerable.Repeat(0L, longest - row.Length))).ToArray(), [rows.Length, longest]));
    }
}
