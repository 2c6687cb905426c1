using System.Net;
using PhotoDesk;
using DeskTraining = PhotoDesk.Training; // and not the library's namespace

namespace MlNetFineTune.PhotoDesk.Tests.Server;
/// <summary>Trainings, and what becomes of them when the program ends and starts again.</summary>
[TestClass]
public sealed class LearningTests
{
    private const string Endless = "10000";

    [TestMethod]
    public async Task FromLabelsToAModelThatIsComparedServedRolledBackAndStillServedAfterARestart()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:Epochs", "2");
        Assert.AreEqual(HttpStatusCode.Conflict, (await desk.Http.PostAsync("api/trainings", null)).StatusCode);
        var photos = await desk.TeachAsync();

        Assert.AreEqual(TrainingState.Queued, (await desk.PostAsync<DeskTraining>("api/trainings")).State);
        var events = await desk.Http.GetStringAsync("api/trainings/latest/events"); // to the end
        var training = await desk.GetAsync<DeskTraining>("api/trainings/latest");
        Assert.AreEqual((TrainingState.Finished, 2L, 1.0), (training.State, training.ModelId, training.Fraction));
        CollectionAssert.AreEqual(new[] { 1, 2 }, training.History.Select(line => line.Epoch).ToArray());
        StringAssert.StartsWith(events, "event: progress\ndata: {\"id\":1,");
        StringAssert.Contains(events.TrimEnd().Split('\n')[^1], "\"state\":\"finished\"");

        var models = await desk.GetAsync<ModelInfo[]>("api/models");
        CollectionAssert.AreEqual(new[] { (2L, false), (1L, true) }, models.Select(model => (model.Id, model.Active)).ToArray());
        Assert.AreEqual(photos.Count(photo => SideOf(desk, photo) != PhotoSide.HeldOut), models[0].Corrections);
        var comparison = await desk.GetAsync<Comparison>("api/models/2/comparison");
        Assert.AreEqual((models[0].HeldOut, models[0].Accuracy, models[0].F1),
            (comparison.HeldOut, comparison.Candidate.Accuracy, comparison.Candidate.F1));
        // Each photo that changed moves the accuracy of the two apart by at most one.
        var (gained, lost) = (comparison.Changed.Count(photo => photo.CandidateLabel == photo.Label),
            comparison.Changed.Count(photo => photo.CurrentLabel == photo.Label));
        Assert.AreEqual((gained - lost) / (double)comparison.HeldOut, comparison.Candidate.Accuracy - comparison.Current.Accuracy, 1e-9);

        Assert.IsTrue((await desk.PostAsync<ModelInfo>("api/models/2/activate")).Active);
        Assert.AreEqual(2, (await desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo!.ModelId);
        await desk.StopAsync();
        await desk.StartAgainAsync();
        Assert.AreEqual(2, (await desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo!.ModelId);
        Assert.AreEqual(1, (await desk.PostAsync<ModelInfo>("api/models/rollback")).Id);
        Assert.AreEqual(1, (await desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo!.ModelId);
        Assert.AreEqual(HttpStatusCode.Conflict, (await desk.Http.PostAsync("api/models/rollback", null)).StatusCode);
    }

    [TestMethod]
    public async Task ATrainingStopsWithTheBestSoFarAndKeepsItsPhotosMeanwhile()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:Epochs", Endless);
        var photos = await desk.TeachAsync();
        var learned = photos.First(photo => SideOf(desk, photo) != PhotoSide.HeldOut);
        await desk.PostAsync<DeskTraining>("api/trainings");
        Assert.AreEqual(HttpStatusCode.Conflict, (await desk.Http.PostAsync("api/trainings", null)).StatusCode);
        await desk.UntilAsync(training => training.History.Count > 0);
        Assert.AreEqual(HttpStatusCode.Conflict, (await desk.Http.DeleteAsync($"api/photos/{learned.Id}")).StatusCode);

        Assert.AreEqual(TrainingState.Stopping, (await desk.PostAsync<DeskTraining>("api/trainings/latest/stop")).State);
        var training = await desk.UntilAsync(now => now.HasEnded);
        Assert.AreEqual((TrainingState.Stopped, 2L), (training.State, training.ModelId));
        Assert.AreEqual(HttpStatusCode.Conflict, (await desk.Http.PostAsync("api/trainings/latest/stop", null)).StatusCode);
        Assert.AreEqual(HttpStatusCode.NoContent, (await desk.Http.DeleteAsync($"api/photos/{learned.Id}")).StatusCode);
        Assert.IsFalse(Directory.Exists(Path.Combine(desk.Data.FullName, "checkpoints", "training-1")));
    }

    /// <summary>Queued, running and stopping when the program ended: the next start finds them.</summary>
    [TestMethod]
    [DataRow("", nameof(TrainingState.Stopped), "Model 2 has the weights of epoch")]
    [DataRow("UPDATE trainings SET state = 'Stopping'", nameof(TrainingState.Stopped), "Model 2 has the weights of epoch")]
    [DataRow("UPDATE trainings SET state = 'Queued'", nameof(TrainingState.Stopped), "Model 2 has the weights of epoch")]
    [DataRow("UPDATE trainings SET starts = 3", nameof(TrainingState.Interrupted), "The program ended 3 times")]
    [DataRow("UPDATE trainings SET starts = 1, settings = replace(settings, '0.001', '0.002')", nameof(TrainingState.Interrupted),
        "The program ended during this training, and it could not go on")]
    public async Task ATrainingThatARestartFindsGoesOnOrSaysWhyNot(string meanwhile, string expected, string message)
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:Epochs", Endless);
        await desk.TeachAsync();
        await desk.PostAsync<DeskTraining>("api/trainings");
        var before = await desk.UntilAsync(training => training.History.Count >= 2);
        await desk.StopAsync();
        if (meanwhile != "")
            desk.Execute(meanwhile);
        await desk.StartAgainAsync();

        if (expected == nameof(TrainingState.Stopped) && !meanwhile.Contains("Stopping", StringComparison.Ordinal))
        {
            var after = await desk.UntilAsync(training => training.History.Count > before.History.Count + 1);
            CollectionAssert.AreEqual(before.History.ToArray(), after.History.Take(before.History.Count).ToArray());
            await desk.PostAsync<DeskTraining>("api/trainings/latest/stop");
        }
        var end = await desk.UntilAsync(training => training.HasEnded);
        Assert.AreEqual(expected, $"{end.State}");
        StringAssert.StartsWith(end.Message, message);
        Assert.AreEqual(expected == nameof(TrainingState.Stopped) ? 2L : null, end.ModelId);
        Assert.AreEqual(1, (await desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo!.ModelId,
            "the served model goes on in any case");
    }

    // By the definition, and not by what the database says.
    private static PhotoSide SideOf(RunningDesk desk, Photo photo) =>
        PhotoSides.Of(System.Security.Cryptography.SHA256.HashData(desk.Http.GetByteArrayAsync($"api/photos/{photo.Id}/image").Result));
}
