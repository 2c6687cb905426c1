using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Serving;

/// <summary>A model file under its name is whole, whatever happens while it is written.</summary>
[TestClass]
public sealed class SaveAtomicallyTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void TheFileIsThatOfModelSaveAndNothingLiesBesideIt()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var schema = SmallPictures.View(_ml, []).Schema;
        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        File.WriteAllText(path, "an earlier file");

        _ml.Model.SaveAtomically(model, schema, path);

        Assert.HasCount(1, Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
        var (expected, actual) = (Zip.Read(SmallTraining.Save(_ml, model, schema)), Zip.Read(File.ReadAllBytes(path)));
        CollectionAssert.AreEqual(expected.Keys.Order().ToArray(), actual.Keys.Order().ToArray());
        foreach (var name in expected.Keys)
            CollectionAssert.AreEqual(expected[name], actual[name], name);
        using var loaded = (FineTuningTransformer)_ml.Model.Load(path, out var loadedSchema);
        Assert.AreEqual(schema.ToString(), loadedSchema.ToString());
    }

    [TestMethod]
    public void AFailedSaveLeavesTheEarlierFile()
    {
        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        var model = SmallTraining.LoadModel(_ml);
        _ml.Model.SaveAtomically(model, null, path);
        var before = File.ReadAllBytes(path);
        model.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _ml.Model.SaveAtomically(model, null, path));

        Assert.HasCount(1, Directory.GetFileSystemEntries(Path.GetDirectoryName(path)!));
        CollectionAssert.AreEqual(before, File.ReadAllBytes(path));
    }

    [TestMethod]
    public void AReaderSeesTheEarlierModelUntilTheNewOneIsWhole()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var path = Path.Combine(SmallPictures.NewFolder(), "model.zip");
        _ml.Model.SaveAtomically(model, null, path);
        var saving = Task.Run(() =>
        {
            for (var i = 0; i < 20; i++)
                _ml.Model.SaveAtomically(model, null, path);
        });

        do
        {
            using var loaded = (FineTuningTransformer)new MLContext().Model.Load(path, out _);
            Assert.HasCount(3, loaded.Classes);
        }
        while (!saving.IsCompleted);
        saving.Wait();
    }
}
