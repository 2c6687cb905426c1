using System.Net;
using PhotoDesk;
using QuickStart;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>The photos to label next are those about which the served model is least certain.</summary>
[TestClass]
public sealed class QueueTests
{
    [TestMethod]
    public async Task TheLeastCertainUnlabelledPhotosOfTheTrainingSideComeFirst()
    {
        await using var desk = await RunningDesk.StartAsync();
        var contents = Enumerable.Range(0, 24).Select(index => RunningDesk.Picture(index)).ToArray();
        var photos = (await desk.UploadAsync([.. contents.Select((content, i) => ($"{i}.jpg", content))]))
            .Select(result => result.Photo!).ToArray();
        var expected = photos.Zip(contents).Where(pair => PhotoSides.Of(PhotoSides.HashOf(pair.Second)) == PhotoSide.Training)
            .Select(pair => pair.First).OrderBy(MarginOf).ToArray();
        Assert.IsTrue(expected.Length is > 4 and < 24, "some are on other sides");

        var queue = await desk.GetAsync<QueuePage>("api/queue?take=100");

        Assert.AreEqual((1L, expected.Length), (queue.ModelId, queue.Total));
        CollectionAssert.AreEqual(expected.Select(photo => photo.Id).ToArray(), queue.Photos.Select(row => row.Photo.Id).ToArray());
        foreach (var row in queue.Photos)
            Assert.AreEqual(MarginOf(row.Photo), row.Margin, 1e-6f);
        Assert.HasCount(2, (await desk.GetAsync<QueuePage>("api/queue?take=2")).Photos);

        // A label takes a photo out of the queue, a taken back one brings it again, and a training learns from it.
        var first = expected[0].Id;
        (await desk.LabelAsync(first, SurfaceImages.Kinds[0])).EnsureSuccessStatusCode();
        Assert.AreEqual(expected[1].Id, (await desk.GetAsync<QueuePage>("api/queue")).Photos[0].Photo.Id);
        using (await desk.Http.DeleteAsync($"api/photos/{first}/label"))
            Assert.AreEqual(first, (await desk.GetAsync<QueuePage>("api/queue")).Photos[0].Photo.Id);
    }

    [TestMethod]
    public async Task ACopyOfALabelledPhotoIsNotInTheQueueAndOfCopiesOnlyTheNewest()
    {
        await using var desk = await RunningDesk.StartAsync();
        var two = Enumerable.Range(0, 40).Select(index => RunningDesk.Picture(index))
            .Where(content => PhotoSides.Of(PhotoSides.HashOf(content)) == PhotoSide.Training).Take(2).ToArray();
        var photos = (await desk.UploadAsync(("a.jpg", two[0]), ("copy of a.jpg", two[0]), ("b.jpg", two[1]), ("copy of b.jpg", two[1])))
            .Select(result => result.Photo!).ToArray();

        (await desk.LabelAsync(photos[0].Id, SurfaceImages.Kinds[0])).EnsureSuccessStatusCode();

        Assert.AreEqual(photos[3].Id, (await desk.GetAsync<QueuePage>("api/queue")).Photos.Single().Photo.Id);
    }

    [TestMethod]
    public async Task AnUploadWithTheContentOfAnEmbeddedPictureIsNotInTheQueue()
    {
        await using var desk = await RunningDesk.StartAsync();
        var embedded = EmbeddedPictures.Draw(12).Select(picture => picture.Content)
            .First(content => PhotoSides.Of(PhotoSides.HashOf(content)) == PhotoSide.Training);

        await desk.UploadAsync(("copy.jpg", embedded));

        Assert.IsEmpty((await desk.GetAsync<QueuePage>("api/queue")).Photos);
    }

    [TestMethod]
    public async Task PhotosThatAnEarlierModelHasAnsweredAreRankedByTheServedOne()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:Epochs", "1", "--PhotoDesk:LearningRate", "0.02");
        await desk.UploadAsync([.. Enumerable.Range(10, 12).Select(index => ($"{index}.jpg", RunningDesk.Picture(index)))]);
        await desk.TeachAsync();
        await desk.PostAsync<global::PhotoDesk.Training>("api/trainings");
        var training = await desk.UntilAsync(training => training.ModelId is not null);
        await desk.PostAsync<ModelInfo>($"api/models/{training.ModelId}/activate");

        var queue = await desk.GetAsync<QueuePage>("api/queue?take=100");

        Assert.IsGreaterThan(2, queue.Photos.Count);
        Assert.AreEqual(training.ModelId, queue.ModelId);
        Assert.IsTrue(queue.Photos.All(row => row.Photo.ModelId == training.ModelId), "answered again");
        var margins = queue.Photos.Select(row => MarginOf(row.Photo)).ToArray();
        CollectionAssert.AreEqual(margins.Order().ToArray(), margins);
        // The list of photos still says what was answered at the upload.
        Assert.AreEqual(1, (await desk.GetAsync<Photo>($"api/photos/{queue.Photos[0].Photo.Id}")).ModelId);
    }

    [TestMethod]
    public async Task AnEmptyQueueIsEmptyAndAWrongPageIsRefused()
    {
        await using var desk = await RunningDesk.StartAsync();

        var queue = await desk.GetAsync<QueuePage>("api/queue");
        Assert.AreEqual(0, queue.Total);
        Assert.IsEmpty(queue.Photos);
        foreach (var take in (string[])["0", "101", "x"])
        {
            using var refused = await desk.Http.GetAsync($"api/queue?take={take}");
            Assert.AreEqual(HttpStatusCode.BadRequest, refused.StatusCode);
        }
    }

    private static float MarginOf(Photo photo) => photo.Probabilities[0].Probability - photo.Probabilities[1].Probability;
}
