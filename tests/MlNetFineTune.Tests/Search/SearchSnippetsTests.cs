using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Search;

/// <summary>The snippets of docs/search.md: they are compiled here, run here, and are the same there, line by line.</summary>
[TestClass]
public sealed class SearchSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly Backbone backbone = SmallTraining.Backbone;

    [TestMethod]
    public void Search()
    {
        var photos = SmallPictures.View(ml, SmallPictures.Take(10));
        var one = ml.Data.TakeRows(photos, 1);
        var path = Path.Combine(SmallPictures.NewFolder(), "photos.index");
        // begin
        using var features = ml.Transforms.ExtractImageFeatures("Features", "ImagePath", backbone).Fit(photos);
        var index = ml.FineTuning.BuildImageIndex(features.Transform(photos)); // keys: ImagePath
        index.Save(path);
        float[] wanted = features.Transform(one).GetColumn<float[]>("Features").Single();
        foreach (var match in index.Search(wanted, count: 5))
            Console.WriteLine(match); // key and cosine
        // end
        Assert.AreEqual(one.GetColumn<string>("ImagePath").Single(), ImageIndex.Load(path).Search(wanted, 1)[0].Key);
        Snippets.VerifyDocumented("Search/SearchSnippetsTests.cs", nameof(Search), "search.md");
    }

    [TestMethod]
    public void Generate()
    {
        var photo = SmallPictures.Take(1)[0].ImagePath;
        var contents = ml.Data.LoadFromEnumerable<Content>([new() { Image = File.ReadAllBytes(photo) }]);
        // begin
        using var features = ml.Transforms.ExtractImageFeatures("Features", "Image", backbone).Fit(contents); // vectors of Byte
        using var generator = ml.FineTuning.CreateImageEmbeddingGenerator(features);
        var embeddings = generator.GenerateAsync([new DataContent(File.ReadAllBytes(photo), "image/png")]).Result; // or await
        // end
        Assert.AreEqual(features.FeatureCount, embeddings.Single().Vector.Length);
        Snippets.VerifyDocumented("Search/SearchSnippetsTests.cs", nameof(Generate), "search.md");
    }

    [TestMethod]
    public void Texts()
    {
        var encoder = SmallTexts.Backbone;
        var texts = ml.Data.LoadFromEnumerable<Article>(
            [new() { Id = "1", Text = "the film was great" }, new() { Id = "2", Text = "a very poor book" }]);
        // begin
        using var features = ml.Transforms.ExtractTextFeatures("Features", "Text", encoder).Fit(texts);
        var index = ml.FineTuning.BuildImageIndex(features.Transform(texts), keyColumnName: "Id");
        using var generator = ml.FineTuning.CreateTextEmbeddingGenerator(features);
        var question = generator.GenerateAsync(["a great film"]).Result[0].Vector; // or await
        foreach (var match in index.Search(question.Span, count: 5))
            Console.WriteLine(match); // Id and cosine
        // end
        Assert.AreEqual("1", index.Search(question.Span, count: 1)[0].Key);
        Snippets.VerifyDocumented("Search/SearchSnippetsTests.cs", nameof(Texts), "search.md");
    }

    private sealed class Article
    {
        public string Id { get; set; } = "";

        public string Text { get; set; } = "";
    }

    private sealed class Content
    {
        public byte[] Image { get; set; } = [];
    }
}
