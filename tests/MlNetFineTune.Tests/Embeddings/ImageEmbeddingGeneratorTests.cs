using Microsoft.Extensions.AI;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Embeddings;

/// <summary>Features by the interface of Microsoft.Extensions.AI.</summary>
[TestClass]
public sealed class ImageEmbeddingGeneratorTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly byte[][] _pictures = [.. SmallPictures.Take(6).Select(photo => File.ReadAllBytes(photo.ImagePath))];

    [TestMethod]
    public async Task ItGivesTheFeaturesOfTheTransformerInOrder()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateImageEmbeddingGenerator(model);
        var expected = Features(model);

        var embeddings = await generator.GenerateAsync(_pictures.Select(Content));

        Assert.HasCount(_pictures.Length, embeddings);
        foreach (var (embedding, features) in embeddings.Zip(expected))
            CollectionAssert.AreEqual(features, embedding.Vector.ToArray());
        var metadata = (EmbeddingGeneratorMetadata)generator.GetService(typeof(EmbeddingGeneratorMetadata))!;
        Assert.AreEqual(128, metadata.DefaultModelDimensions);
        Assert.AreSame(model, generator.GetService(typeof(ITransformer)));
        Assert.IsNull(generator.GetService(typeof(string)));
        Assert.IsNull(generator.GetService(typeof(ITransformer), "a key"));
    }

    [TestMethod]
    public async Task CallsFromSeveralThreadsGetTheirOwnAndAnIndexFindsThem()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateImageEmbeddingGenerator(model);
        var index = new ImageIndex(model.FeatureCount);

        await Parallel.ForEachAsync(_pictures.Index(), async (picture, cancellation) =>
            index.Add($"{picture.Index}", (await generator.GenerateAsync([Content(picture.Item)], null, cancellation))[0].Vector.Span));

        foreach (var (place, features) in Features(model).Index())
            Assert.AreEqual($"{place}", index.Search(features, 1)[0].Key);
    }

    [TestMethod]
    public async Task WhatIsNoPictureIsRefusedByItsPlace()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateImageEmbeddingGenerator(model);

        Assert.Contains("Picture 1 of the call (4 bytes", (await Assert.ThrowsAsync<InvalidDataException>(
            () => generator.GenerateAsync([Content(_pictures[0]), Content([1, 2, 3, 4])]))).Message);
        Assert.Contains("Value 0 (counted from 0) is text/plain", (await Assert.ThrowsAsync<ArgumentException>(
            () => generator.GenerateAsync([new DataContent(_pictures[0], "text/plain")]))).Message);
        Assert.Contains("Dimensions is 64", (await Assert.ThrowsAsync<NotSupportedException>(
            () => generator.GenerateAsync([], new EmbeddingGenerationOptions { Dimensions = 64 }))).Message);
        Assert.IsEmpty(await generator.GenerateAsync([]));
    }

    [TestMethod]
    public async Task ABadPictureFailsItsOwnCallAlone()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateImageEmbeddingGenerator(model);
        var expected = Features(model);

        var calls = Enumerable.Range(0, 20).Select(i => generator.GenerateAsync(
            i % 4 == 3 ? [Content([1, 2, 3])] : [Content(_pictures[i % 4]), Content(_pictures[i % 4 + 1])])).ToList();

        foreach (var (i, call) in calls.Index())
        {
            if (i % 4 == 3)
                await Assert.ThrowsExactlyAsync<InvalidDataException>(() => call);
            else
                Fixture.AreClose(Doubles(expected[i % 4 + 1]), Doubles((await call)[1].Vector.ToArray()), 1e-5, $"call {i}");
        }

        static double[] Doubles(float[] values) => Array.ConvertAll(values, value => (double)value);
    }

    [TestMethod]
    public async Task AfterDisposalCallsAreRefused()
    {
        using var model = Extractor();
        var generator = _ml.FineTuning.CreateImageEmbeddingGenerator(model);
        var before = generator.GenerateAsync(_pictures.Select(Content));
        generator.Dispose();

        Assert.HasCount(_pictures.Length, await before, "what was asked for before is answered");
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => generator.GenerateAsync(_pictures.Select(Content)));
    }

    [TestMethod]
    public async Task ACancelledCallEnds()
    {
        using var model = Extractor();
        using var generator = _ml.FineTuning.CreateImageEmbeddingGenerator(model);
        using var source = new CancellationTokenSource();
        await source.CancelAsync();

        await Assert.ThrowsAsync<OperationCanceledException>(() => generator.GenerateAsync(_pictures.Select(Content), null, source.Token));
    }

    [TestMethod]
    public void AModelOfOtherColumnsIsRefused()
    {
        using var model = Extractor();
        using var ofPaths = _ml.Transforms.ExtractImageFeatures("Features", "ImagePath", SmallTraining.Backbone)
            .Fit(SmallPictures.View(_ml, SmallPictures.Take(1)));

        Assert.Contains("no vector of Single of known size in column 'Vector'", Assert.Throws<ArgumentException>(
            () => _ml.FineTuning.CreateImageEmbeddingGenerator(model, "Vector")).Message);
        Assert.Contains("whose only column is 'Bytes'", Assert.Throws<ArgumentException>(
            () => _ml.FineTuning.CreateImageEmbeddingGenerator(model, imageColumnName: "Bytes")).Message);
        Assert.Contains("cannot take data whose only column is 'Image'", Assert.Throws<ArgumentException>(
            () => _ml.FineTuning.CreateImageEmbeddingGenerator(ofPaths)).Message);
    }

    private static DataContent Content(byte[] picture) => new(picture, "image/png");

    private FeaturesTransformer Extractor() =>
        _ml.Transforms.ExtractImageFeatures("Features", "Image", SmallTraining.Backbone).Fit(View());

    private IDataView View() => _ml.Data.LoadFromEnumerable(_pictures.Select(picture => new Row { Image = picture }));

    private List<float[]> Features(FeaturesTransformer model) =>
        [.. model.Transform(View()).GetColumn<float[]>("Features")];

    private sealed class Row
    {
        public byte[] Image { get; set; } = [];
    }
}
