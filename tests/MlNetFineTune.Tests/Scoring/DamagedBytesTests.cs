using System.Text;
using Microsoft.ML;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Scoring;

/// <summary>
/// A model file that is truncated or damaged anywhere: an error or, if the byte has no effect, the same model; never another one.
/// </summary>
[TestClass]
public sealed class DamagedBytesTests
{
    private readonly MLContext _ml = new();
    private readonly Photo[] _photos = SmallPictures.Take(2);

    [TestMethod]
    public void AFileThatWasCutOffAnywhereIsAnError()
    {
        var zip = SmallTraining.ModelZip;
        foreach (var length in Positions(zip.Length, 150))
            AssertFails(() => _ml.Model.Load(new MemoryStream(zip[..length]), out _), $"cut off after {length} of {zip.Length} bytes");
    }

    [TestMethod]
    public void AChangedByteAnywhereIsAnErrorOrChangesNothing()
    {
        using var model = SmallTraining.LoadModel(_ml);
        var (expected, classes) = (SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, _photos))), model.Classes.ToArray());
        var (zip, failures) = (SmallTraining.ModelZip, 0);
        foreach (var position in Positions(zip.Length, 300))
        {
            var damaged = SmallTraining.ModelZip;
            damaged[position] ^= 0x15;
            ITransformer loaded;
            try
            {
                loaded = _ml.Model.Load(new MemoryStream(damaged), out _);
            }
            catch (Exception e)
            {
                AssertSays(e, $"byte {position}");
                failures++;
                continue;
            }
            using var same = (FineTuningTransformer)loaded;
            SmallTraining.AssertSameBits(expected, SmallTraining.Scores(same.Transform(SmallPictures.View(_ml, _photos))));
            CollectionAssert.AreEqual(classes, same.Classes.ToArray(), $"byte {position}");
        }

        Assert.IsGreaterThan(200, failures, "Most of a file is weights, whose hash is checked.");
    }

    [TestMethod]
    public void AChangedManifestIsFoundByItsHash()
    {
        // Still a manifest: only its crop is another.
        var zip = Zip.With(SmallTraining.ModelZip, "t.json", bytes => // not by its whole name, with which the hash goes
        {
            var changed = Encoding.UTF8.GetBytes(
                Encoding.UTF8.GetString(bytes).Replace("\"CropFraction\": 1", "\"CropFraction\": 0.5", StringComparison.Ordinal));
            Assert.AreNotEqual(bytes.Length, changed.Length);
            return changed;
        });

        StringAssert.Contains(Assert.Throws<Exception>(() => _ml.Model.Load(new MemoryStream(zip), out _)).GetBaseException().Message,
            "SHA-256 of manifest.json");
    }

    [TestMethod]
    public void AForeignFileIsAnError()
    {
        var keys = _ml.Transforms.Conversion.MapValueToKey("Label").Fit(SmallPictures.View(_ml, _photos));
        foreach (var bytes in (byte[][])[
            [], Encoding.UTF8.GetBytes("This is no model."), File.ReadAllBytes(_photos[0].ImagePath), new byte[100_000]])
            AssertFails(() => _ml.Model.Load(new MemoryStream(bytes), out _), $"{bytes.Length} bytes");

        // Another transformer's header over our files, and ours over another's.
        var (ours, theirs) = (SmallTraining.ModelZip, SmallTraining.Save(_ml, keys));
        AssertFails(() => _ml.Model.Load(new MemoryStream(Zip.With(ours, "Model.key", _ => Zip.Entry(theirs, "Model.key"))), out _),
            "their key");
        AssertFails(
            () => _ml.Model.Load(new MemoryStream(Zip.With(theirs, "Model.key", _ => Zip.Entry(ours, "Model.key"))), out _), "our key");
    }

    // The first and last, where the zip's own tables are, and many between.
    private static IEnumerable<int> Positions(int length, int count) =>
        Enumerable.Range(0, count).Select(i => (int)((long)i * length / count)).Concat(Enumerable.Range(length - 40, 40)).Distinct();

    private static void AssertFails(Action action, string what)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            AssertSays(e, what);
            return;
        }
        Assert.Fail($"{what}: it was loaded.");
    }

    // Exceptions that a bug of the reader would throw, which do not help a user.
    private static void AssertSays(Exception error, string what)
    {
        var cause = error.GetBaseException();
        if (cause is NullReferenceException or IndexOutOfRangeException or InvalidCastException or OutOfMemoryException or OverflowException
            || cause.Message.Length < 10)
            Assert.Fail($"{what}: {error}");
    }
}
