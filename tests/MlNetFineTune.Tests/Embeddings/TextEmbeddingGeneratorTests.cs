using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Embeddings;

/// <summary>Text features by the interface of Microsoft.Extensions.AI.</summary>
[TestClass]
public sealed class TextEmbeddingGeneratorTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly string[] _texts = [.. SmallTexts.Take(300).Select(row => row.Text)];

    [TestMethod]
    public async Task ItGivesTheFeaturesOfTheTransformerInOrderAndCountsTokens()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateTextEmbeddingGenerator(model);
        var expected = Features(model);

        var embeddings = await generator.GenerateAsync(_texts);

        Assert.HasCount(300, embeddings);
        SmallTraining.AssertSameBits(expected, [.. embeddings.Select(embedding => embedding.Vector.ToArray())]);
        var tokens = _texts.Sum(text => (long)text.Split(' ').Length + 2); // each word is a token
        Assert.AreEqual((tokens, tokens), (embeddings.Usage!.InputTokenCount, embeddings.Usage.TotalTokenCount));
        var metadata = (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;
        Assert.AreEqual(
            ("MlNetFineTune", SmallTexts.Backbone.Name, 16),
            (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions));
        Assert.AreSame(model, generator.GetService(typeof(FeaturesTransformer)));
        Assert.AreEqual(1, embeddings[0].Vector.ToArray().Sum(value => value * value), 1e-5);
    }

    [TestMethod]
    public async Task CallsFromSeveralThreadsGetTheirOwnAndAnIndexFindsThem()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateTextEmbeddingGenerator(model);
        var index = new ImageIndex(model.FeatureCount);

        await Parallel.ForEachAsync(_texts.Distinct().Take(30), async (text, cancellation) =>
            index.Set(text, (await generator.GenerateAsync([text], null, cancellation))[0].Vector.Span));

        foreach (var (text, features) in _texts.Take(20).Zip(Features(model)))
            Assert.AreEqual(1, index.Search(features, 1)[0].Similarity, 1e-4, text);
    }

    [TestMethod]
    public async Task ATextWithoutFeaturesIsRefusedByItsPlace()
    {
        using var model = Extractor(new TextFeatureOptions { MaximumLength = 6, Truncation = TextTruncation.Refuse });
        using var generator = _ml.FineTuning.CreateTextEmbeddingGenerator(model);

        Assert.Contains("Text 1 of the call (30 characters", (await Assert.ThrowsAsync<InvalidDataException>(
            () => generator.GenerateAsync(["good", "good good good good good good "]))).Message);
        Assert.Contains("Value 1 (counted from 0) is null", (await Assert.ThrowsAsync<ArgumentException>(
            () => generator.GenerateAsync(["good", null!]))).Message);
        Assert.Contains("Dimensions is 64", (await Assert.ThrowsAsync<NotSupportedException>(
            () => generator.GenerateAsync([], new EmbeddingGenerationOptions { Dimensions = 64 }))).Message);
        Assert.IsEmpty(await generator.GenerateAsync([]));
        Assert.HasCount(1, await generator.GenerateAsync([""]));
    }

    [TestMethod]
    public async Task ACancelledCallEndsAndTheOthersAreAnswered()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateTextEmbeddingGenerator(model);
        using var source = new CancellationTokenSource();
        var cancelled = generator.GenerateAsync(Enumerable.Repeat(_texts, 200).SelectMany(texts => texts), null, source.Token);
        var other = generator.GenerateAsync(_texts.Take(3));
        await source.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
        Assert.HasCount(3, await other);
        await Assert.ThrowsAsync<OperationCanceledException>(() => generator.GenerateAsync(_texts, null, source.Token));
    }

    [TestMethod]
    public async Task AfterDisposalCallsAreRefused()
    {
        using var model = Extractor();
        var generator = _ml.FineTuning.CreateTextEmbeddingGenerator(model);
        var before = generator.GenerateAsync(_texts);
        generator.Dispose();

        Assert.HasCount(300, await before, "what was asked for before is answered");
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => generator.GenerateAsync(_texts));
    }

    [TestMethod]
    public void AModelOfOtherColumnsIsRefused()
    {
        using var model = Extractor();
        using var ofPairs = Extractor(new TextFeatureOptions { SecondTextColumnName = "Second" });

        Assert.Contains("no vector of Single of known size in column 'Vector'", Assert.Throws<ArgumentException>(
            () => _ml.FineTuning.CreateTextEmbeddingGenerator(model, "Vector")).Message);
        foreach (var action in (Action[])[
            () => _ml.FineTuning.CreateTextEmbeddingGenerator(model, textColumnName: "Title"),
            () => _ml.FineTuning.CreateTextEmbeddingGenerator(ofPairs)])
        {
            Assert.Contains("The model cannot take data whose only column is", Assert.Throws<ArgumentException>(action).Message);
        }
    }

    private FeaturesTransformer Extractor(TextFeatureOptions? options = null) =>
        _ml.Transforms.ExtractTextFeatures("Features", "Text", SmallTexts.Backbone, options).Fit(View());

    private IDataView View() => _ml.Data.LoadFromEnumerable(_texts.Select(text => new TextRow { Text = text }));

    private List<float[]> Features(FeaturesTransformer model) => [.. model.Transform(View()).GetColumn<float[]>("Features")];
}
