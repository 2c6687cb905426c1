using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Text;

/// <summary>The snippet of docs/text.md is compiled and run here.</summary>
[TestClass]
public sealed class DocumentedTextTests
{
    private readonly MLContext ml = new(seed: 1);

    [TestMethod]
    public void Texts()
    {
        var (folder, path) = (SmallTexts.Folder, Path.Combine(SmallPictures.NewFolder(), "texts.zip"));
        var texts = ml.Data.LoadFromEnumerable(SmallTexts.Take(40));
        // begin
        var labels = ml.Transforms.Conversion.MapValueToKey("Label", "Kind");
        var pipeline = labels.Append(ml.MulticlassClassification.Trainers.FineTuneText(new TextFineTuningOptions
        {
            Backbone = TextBackbone.FromFolder(folder), // or FromHub("sentence-transformers/all-MiniLM-L6-v2")
            TextColumnName = "Text",
            MaximumLength = 24,
        }));
        using var model = pipeline.Fit(texts);
        ml.Model.Save(model, texts.Schema, path); // weights, classes and tokenizer
        using var loaded = (IDisposable)ml.Model.Load(path, out _); // native memory
        var scored = ((ITransformer)loaded).Transform(texts);
        // end
        SmallTraining.AssertClose(SmallTraining.Scores(model.Transform(texts)), SmallTraining.Scores(scored));
        Snippets.VerifyDocumented("Text/DocumentedTextTests.cs", nameof(Texts), "text.md");
    }
}
