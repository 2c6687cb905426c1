using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using PhotoDesk;

namespace MlNetFineTune.PhotoDesk.Tests.Server;

/// <summary>Which models and folders of trainings are deleted, and which never.</summary>
[TestClass]
public sealed class CleaningTests
{
    private static readonly long s_old = DateTimeOffset.UtcNow.AddDays(-100).ToUnixTimeMilliseconds();
    private static readonly long s_young = DateTimeOffset.UtcNow.AddDays(-1).ToUnixTimeMilliseconds();

    [TestMethod]
    public async Task OldModelsGoAndWhatIsNeededStays()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:KeepNewest", "3", "--PhotoDesk:KeepFor", "10.00:00:00");
        for (var id = 2; id <= 9; id++)
        {
            File.Copy(PathOf(desk, 1), PathOf(desk, id));
            desk.Execute($"INSERT INTO models VALUES ({id}, {(id == 4 ? s_young : s_old)}, NULL, 1, 1, 1, 0, NULL)");
        }
        desk.Execute($"UPDATE models SET created_at = {s_old} WHERE id = 1");
        desk.Execute($"INSERT INTO judgements SELECT 2, min(id), 'crack' FROM photos");
        desk.Execute($"INSERT INTO trainings (state, created_at, base_model_id, epochs, settings) VALUES ('Queued', {s_old}, 3, 1, "
            + "'{\"Epochs\":1,\"LearningRate\":0.001,\"CorrectionWeight\":4}')");
        await desk.PostAsync<ModelInfo>("api/models/5/activate");
        await desk.PostAsync<ModelInfo>("api/models/6/activate");
        var cleaner = desk.Services.GetRequiredService<Cleaner>();

        Assert.AreEqual(2, await cleaner.CleanAsync(CancellationToken.None));

        // 3: a training goes on from it; 4 is young; 5: a roll-back goes to it; 6 is served; 7 to 9 are the newest.
        long[] kept = [9, 8, 7, 6, 5, 4, 3];
        CollectionAssert.AreEqual(kept, (await desk.GetAsync<List<ModelInfo>>("api/models")).Select(model => model.Id).ToArray());
        CollectionAssert.AreEquivalent(
            kept.Select(id => PathOf(desk, id)).ToArray(), Directory.GetFiles(Path.GetDirectoryName(PathOf(desk, 1))!));
        Assert.AreEqual(HttpStatusCode.NotFound, (await desk.Http.PostAsync("api/models/1/activate", null)).StatusCode);
        Assert.AreEqual(HttpStatusCode.NotFound, (await desk.Http.GetAsync("api/models/1/comparison")).StatusCode);
        Assert.AreEqual(0, await cleaner.CleanAsync(CancellationToken.None));

        Assert.AreEqual(5, (await desk.PostAsync<ModelInfo>("api/models/rollback")).Id);
        Assert.AreEqual(HttpStatusCode.Conflict, (await desk.Http.PostAsync("api/models/rollback", null)).StatusCode, "Model 1 is gone.");
        Assert.AreEqual(5, (await desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo!.ModelId);

        // As if the program had been killed between the database and the file. And 6, which was rolled back, is needed no more.
        File.Copy(PathOf(desk, 5), PathOf(desk, 1));
        Assert.AreEqual(2, await cleaner.CleanAsync(CancellationToken.None));
        Assert.IsFalse(File.Exists(PathOf(desk, 1)) || File.Exists(PathOf(desk, 6)));
        desk.Execute("UPDATE trainings SET state = 'Failed'");
        await desk.StopAsync();
        await desk.StartAgainAsync();
        Assert.AreEqual(5, (await desk.UploadAsync(("a.jpg", RunningDesk.Picture(0))))[0].Photo!.ModelId);
        Assert.AreEqual(10, desk.Services.GetRequiredService<ModelStore>().NextId(), "No number is given twice.");
    }

    [TestMethod]
    public async Task ARollBackGoesPastModelsThatWereDeleted()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:KeepNewest", "1", "--PhotoDesk:KeepFor", "10.00:00:00");
        for (var id = 2; id <= 4; id++)
        {
            File.Copy(PathOf(desk, 1), PathOf(desk, id));
            desk.Execute($"INSERT INTO models VALUES ({id}, {(id == 3 ? s_old : s_young)}, NULL, 1, 1, 1, 0, NULL)");
        }
        foreach (var id in (long[])[2, 3, 2, 4, 2])
            await desk.PostAsync<ModelInfo>($"api/models/{id}/activate"); // 1 2 3 2 4 2
        desk.Execute($"UPDATE models SET created_at = {s_old} WHERE id IN (3, 4)");
        desk.Execute($"INSERT INTO models VALUES (5, {s_young}, NULL, 1, 1, 1, 0, NULL)"); // 4 is not the newest any more
        desk.Execute("UPDATE activations SET undone_at = 1 WHERE model_id = 4"); // and no roll-back goes to it: 1 2 3 2 2

        await desk.Services.GetRequiredService<Cleaner>().CleanAsync(CancellationToken.None);

        // 3 was what a roll-back goes to, and so it stays; 4 is gone.
        CollectionAssert.AreEqual(new long[] { 5, 3, 2, 1 },
            (await desk.GetAsync<List<ModelInfo>>("api/models")).Select(model => model.Id).ToArray());
        Assert.AreEqual(3, desk.Services.GetRequiredService<ModelStore>().PreviousId());
        desk.Execute("UPDATE models SET deleted_at = 1 WHERE id = 3");
        Assert.AreEqual(1, (await desk.PostAsync<ModelInfo>("api/models/rollback")).Id);
        Assert.AreEqual(HttpStatusCode.Conflict, (await desk.Http.PostAsync("api/models/rollback", null)).StatusCode);
    }

    [TestMethod]
    public async Task FoldersOfOldTrainingsGoWithTheirModels()
    {
        await using var desk = await RunningDesk.StartAsync("--PhotoDesk:KeepNewest", "3", "--PhotoDesk:KeepFor", "10.00:00:00");
        desk.Execute($"INSERT INTO models VALUES (2, {s_old}, 101, 1, 1, 1, 0, 1)"); // deleted
        Insert(101, "Finished", s_old, model: 2);
        Insert(102, "Finished", s_old, model: 1);
        Insert(103, "Failed", s_old);
        Insert(104, "Failed", s_young);
        Insert(105, "Queued", s_old);
        for (var id = 106; id <= 108; id++)
            Insert(id, "Stopped", s_old);
        var runs = Path.Combine(desk.Data.FullName, "runs");
        Directory.CreateDirectory(Path.Combine(runs, "training-77")); // of nobody

        var deleted = await desk.Services.GetRequiredService<Cleaner>().CleanAsync(CancellationToken.None);

        Assert.AreEqual(4, deleted, "Run folder and checkpoint of two trainings.");
        CollectionAssert.AreEquivalent(
            new[] { "training-102", "training-104", "training-105", "training-106", "training-107", "training-108", "training-77" },
            Directory.GetDirectories(runs).Select(Path.GetFileName).ToArray());
        desk.Execute("UPDATE trainings SET state = 'Failed'");

        void Insert(int id, string state, long time, int? model = null)
        {
            desk.Execute($"INSERT INTO trainings (id, state, created_at, base_model_id, epochs, settings, model_id) VALUES "
                + $"({id}, '{state}', {time}, 1, 1, '{{}}', {model?.ToString() ?? "NULL"})");
            foreach (var kind in (string[])["runs", "checkpoints"])
            {
                var folder = Directory.CreateDirectory(Path.Combine(desk.Data.FullName, kind, $"training-{id}"));
                File.WriteAllText(Path.Combine(folder.FullName, "a.txt"), "a");
            }
        }
    }

    [TestMethod]
    public void TheDefaultsKeepTenAndAMonth()
    {
        var options = new PhotoDeskOptions();
        Assert.AreEqual((10, TimeSpan.FromDays(30)), (options.KeepNewest, options.KeepFor));
        Assert.ThrowsExactly<OptionsValidationException>(() => PhotoDeskApp.Build(["--PhotoDesk:KeepNewest", "0"]));
    }

    private static string PathOf(RunningDesk desk, long id) => Path.Combine(desk.Data.FullName, "models", $"model-{id}.zip");
}
