using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Onnx;

/// <summary>The snippets of docs/text-onnx.md: they are compiled here, run here, and are the same there, line by line.</summary>
[TestClass]
public sealed class TextOnnxSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly TextRow[] _rows = SmallTexts.Take(40);

    [TestMethod]
    public void Chain()
    {
        var (texts, path) = (SmallTexts.View(ml, _rows), Path.Combine(SmallPictures.NewFolder(), "texts-onnx.zip"));
        using var model = ExportedText.Fit(ml, ExportedText.OfClasses);
        // begin
        ITransformer chain = ml.FineTuning.ToOnnxPipeline(model, texts.Schema);
        ml.Model.Save(chain, texts.Schema, path); // tokenizer, network and classes
        // in an application without libtorch
        using var loaded = (IDisposable)ml.Model.Load(path, out _); // native memory, and a temporary file
        var scored = ((ITransformer)loaded).Transform(texts);
        // end
        using (chain as IDisposable)
            SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(texts)), SmallTraining.Scores(scored));
        VerifyDocumented(nameof(Chain));
    }

    [TestMethod]
    public void Tokens()
    {
        var (texts, folder) = (SmallTexts.View(ml, _rows), SmallTexts.Folder);
        // begin
        var tokens = ml.Transforms.TokenizeText("input_ids", "Text", folder, new TextTokenizingOptions
        {
            MaximumLength = 24,
            TokensColumnName = "Tokens",   // [CLS] good film ##s [SEP]
            OffsetsColumnName = "Offsets", // 0 0 0 4 5 9 9 10 0 0
        }).Fit(texts).Transform(texts);
        // end
        foreach (var (ids, names) in tokens.GetColumn<long[]>("input_ids").Zip(tokens.GetColumn<string[]>("Tokens")))
            CollectionAssert.AreEqual(ids.Select(id => SmallTexts.Vocabulary[(int)id]).ToArray(), names);
        VerifyDocumented(nameof(Tokens));
    }

    [TestMethod]
    public void StockTransformer()
    {
        var (texts, path) = (SmallTexts.View(ml, _rows), Path.Combine(SmallPictures.NewFolder(), "texts.onnx"));
        using var model = ExportedText.Fit(ml, ExportedText.OfClasses);
        // begin
        ml.FineTuning.ExportOnnx(model, path);
        string[] inputs = ["input_ids", "attention_mask", "token_type_ids"];
        var tokens = ml.Transforms.TokenizeText("input_ids", model, new TextTokenizingOptions
        {
            PadToMaximumLength = true,
            MaskColumnName = "attention_mask",
            TokenTypesColumnName = "token_type_ids",
        });
        var shapes = inputs.ToDictionary(input => input, _ => new[] { 1, 24 }); // MaximumLength of the training
        var network = ml.Transforms.ApplyOnnxModel(["probabilities"], inputs, path, shapes, recursionLimit: 100);
        using var chain = tokens.Append(network).Fit(texts);
        // end
        SmallTraining.AssertClose(
            SmallTraining.Scores(model.Transform(texts)), SmallTraining.Scores(chain.Transform(texts), "probabilities"));
        VerifyDocumented(nameof(StockTransformer));
    }

    private static void VerifyDocumented(string method) =>
        Snippets.VerifyDocumented("Onnx/TextOnnxSnippetsTests.cs", method, "text-onnx.md");
}
