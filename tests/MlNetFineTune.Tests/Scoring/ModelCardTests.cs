using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using YamlDotNet.RepresentationModel;

namespace MlNetFineTune.Tests.Scoring;

[TestClass]
public sealed class ModelCardTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TheCardHasWhatTheManifestRecords()
    {
        using var folder = new Folder();
        using var model = StoredModels.Train(_ml, StoredModels.Multiclass);
        var manifest = JsonNode.Parse(Zip.Entry(SmallTraining.Save(_ml, model), "manifest.json"))!;

        var card = CardOf(model, folder);

        var head = HeadOf(card);
        Assert.AreEqual("image-classification", Text(head, "pipeline_tag"));
        CollectionAssert.IsSubsetOf(new[] { "mlnetfinetune", "ml.net", "micro" }, Texts(head, "tags"));
        CollectionAssert.AreEqual(new[] { "accuracy", "f1" }, Texts(head, "metrics"));
        Assert.DoesNotContain("license", head.Children.Keys.Select(key => key.ToString())); // it is not known
        StringAssert.Contains(card, $"| SHA-256 of the model's weights | {(string?)manifest["WeightsSha256"]} |");
        StringAssert.Contains(card, "| Pretrained weights | none: random weights |");
        StringAssert.Contains(card, $"| Rows | {(int)manifest["Training"]!["Rows"]!} |");
        StringAssert.Contains(card, $"| Validation rows | {(int)manifest["Training"]!["ValidationRows"]!} |");
        StringAssert.Contains(card, "| Seed | 1 |");
        StringAssert.Contains(card, "| Rows of each class | *Not recorded.* |");
        StringAssert.Contains(card, "| 0 | dots |\n| 1 | rings |\n| 2 | stripes |\n");
        StringAssert.Contains(card, "| LearningRate | 0.003 |");
        StringAssert.Contains(card, "Calibrated with the temperature");
        foreach (var (name, version) in manifest["Packages"]!.AsObject())
            StringAssert.Contains(card, MarkdownText.Of($"{name} {version}"));
    }

    [TestMethod]
    public void ALoadedModelHasTheSameCard()
    {
        using var folder = new Folder();
        using var model = StoredModels.Train(_ml, StoredModels.Multiclass);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, model)), out _);

        Assert.AreEqual(CardOf(model, folder), CardOf(loaded, folder));
    }

    [TestMethod]
    [DataRow("module-regression", null, "numbers")]
    [DataRow("several", null, "Classes of ")]
    [DataRow("table-and-photo", "image-classification", "and columns ")]
    public void ModelsOfOtherInputsAndTasksHaveCards(string name, string? tag, string says)
    {
        using var folder = new Folder();
        using var model = (FineTuningTransformer)_ml.Model.Load(Path.Combine(StoredModels.Folder, $"model-v2-{name}.zip"), out _);

        var card = CardOf(model, folder);

        var head = HeadOf(card);
        Assert.AreEqual(tag, head.Children.TryGetValue("pipeline_tag", out var found) ? found.ToString() : null);
        StringAssert.Contains(card, says == "numbers" ? "2 columns" : says);
    }

    [TestMethod]
    public void NamesOfClassesAreTextAndNothingElse()
    {
        string[] hostile = ["a | b", "<script>alert(1)</script>", "two\nlines", "[click](https://example.org) `x` www.example.org"];
        using var folder = new Folder();
        var photos = SmallPictures.Take(8).Select((photo, i) => new Photo { ImagePath = photo.ImagePath, Label = hostile[i % 4] });
        var data = SmallPictures.View(_ml, photos);
        using var model = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.MulticlassClassification.Trainers.FineTuneImages(SmallTraining.Options with { Epochs = 1 })).Fit(data);

        var card = CardOf(model.OfType<FineTuningTransformer>().Single(), folder);

        HeadOf(card);
        StringAssert.Contains(card, "| a \\| b |\n");
        StringAssert.Contains(card, "| \\<script\\>alert(1)\\</script\\> |\n");
        StringAssert.Contains(card, "| two\\\\nlines |\n");
        StringAssert.Contains(card, "| \\[click\\](https\\://example.org) \\`x\\` www\\.example.org |\n");
    }

    [TestMethod]
    public void ACardThatCannotBeWrittenLeavesTheOldOne()
    {
        using var folder = new Folder();
        var model = SmallTraining.LoadModel(_ml);
        var path = folder.File("README.md");
        model.WriteCard(path);
        var written = File.ReadAllText(path);

        model.Dispose();

        Assert.ThrowsExactly<ObjectDisposedException>(() => model.WriteCard(path));
        Assert.AreEqual(written, File.ReadAllText(path));
        CollectionAssert.AreEqual(new[] { path }, Directory.GetFiles(folder.Path));
    }

    [TestMethod]
    public void AMissingFolderIsNamed()
    {
        using var folder = new Folder();
        using var model = SmallTraining.LoadModel(_ml);

        var error = Assert.ThrowsExactly<DirectoryNotFoundException>(() => model.WriteCard(Path.Combine(folder.File("none"), "README.md")));

        StringAssert.Contains(error.Message, folder.File("none"));
    }

    [TestMethod]
    [DataRow("ants-bees 2", "ants-bees 2")]
    [DataRow("a_b *c* #d", "a\\_b \\*c\\* \\#d")]
    [DataRow("back\\slash", "back\\\\slash")]
    [DataRow("&lt; ~~x~~ {y}", "\\&lt; \\~\\~x\\~\\~ \\{y\\}")]
    [DataRow("naïve 写真", "naïve 写真")]
    [DataRow(null, "")]
    public void MarkdownShowsTheText(string? text, string expected) => Assert.AreEqual(expected, MarkdownText.Of(text));

    private static string CardOf(FineTuningTransformer model, Folder folder)
    {
        var path = folder.File("card.md");
        model.WriteCard(path);
        return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
    }

    // Between the first two lines of dashes.
    private static YamlMappingNode HeadOf(string card)
    {
        var lines = card.Split('\n');
        Assert.AreEqual("---", lines[0]);
        var yaml = new YamlStream();
        yaml.Load(new StringReader(string.Join('\n', lines.Skip(1).TakeWhile(line => line != "---"))));
        return (YamlMappingNode)yaml.Documents.Single().RootNode;
    }

    private static string Text(YamlMappingNode node, string key) => node.Children[key].ToString();

    private static string[] Texts(YamlMappingNode node, string key) =>
        [.. ((YamlSequenceNode)node.Children[key]).Select(child => child.ToString())];
}
