using PhotoDesk;
using DeskTraining = PhotoDesk.Training; // and not the library's namespace

namespace MlNetFineTune.PhotoDesk.Tests.Server;

[TestClass]
public sealed class SwitchingTests
{
    /// <summary>Eight callers call without a pause while two models take turns ten times: every call is answered, by one of the two, and
    /// what is sent after a switch by the new one.</summary>
    [TestMethod]
    public async Task ASwitchUnderLoadLosesNothing()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:Epochs", "1", "--PhotoDesk:RequestsPerSecond", "100000");
        await desk.TeachAsync();
        await desk.PostAsync<DeskTraining>("api/trainings");
        await desk.UntilAsync(training => training.State == TrainingState.Finished);

        using var ended = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            var answers = new List<Photo>();
            while (!ended.IsCancellationRequested)
                answers.Add((await desk.UploadAsync(($"{caller}.jpg", RunningDesk.Picture(caller))))[0].Photo!);
            return answers;
        })).ToArray();
        for (var i = 0; i < 10; i++)
        {
            var now = await desk.PostAsync<ModelInfo>(i % 2 == 0 ? "api/models/2/activate" : "api/models/rollback");
            Assert.AreEqual(i % 2 == 0 ? 2 : 1, now.Id);
            Assert.AreEqual(now.Id, (await desk.UploadAsync(("after.jpg", RunningDesk.Picture(0))))[0].Photo!.ModelId);
        }
        await ended.CancelAsync();

        var answers = (await Task.WhenAll(callers)).SelectMany(answers => answers).ToList(); // each was 200 with a photo
        Assert.AreEqual(4 + 10 + answers.Count, (await desk.GetAsync<PhotoPage>("api/photos")).Total);
        CollectionAssert.AreEquivalent(new[] { 1L, 2L }, answers.Select(photo => photo.ModelId).Distinct().ToArray());
        // The same photo and the same model: the same answer, whatever it was scored together with.
        foreach (var same in answers.GroupBy(photo => (photo.Name, photo.ModelId)))
        {
            Assert.AreEqual(1, same.Select(photo => photo.PredictedLabel).Distinct().Count());
            Assert.IsLessThan(1e-4f, same.Max(photo => photo.Probabilities[0].Probability)
                - same.Min(photo => photo.Probabilities[0].Probability));
        }
    }
}
