using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tasks;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

/// <summary>Paths from other systems, paths that are none, and what is no file.</summary>
[TestClass]
public sealed class PathsTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void AModelOfWindowsFindsItsImageFolderHere()
    {
        SkipOnWindows("There both marks part folders.");
        var root = SmallPictures.NewFolder();
        var folder = Path.Combine(root, "assets", "images");
        foreach (var label in SmallPictures.Classes)
        {
            Directory.CreateDirectory(Path.Combine(folder, label));
            for (var i = 0; i < 4; i++)
                File.Copy(SmallPictures.PathOf(label, 2 * i), Path.Combine(folder, label, $"{i}.png"));
        }
        var photos = SmallPictures.Classes.SelectMany(
            label => Enumerable.Range(0, 4).Select(i => (Label: label, Name: $"{i}.png"))).ToArray();
        var slashes = SmallPictures.View(
            _ml, photos.Select(photo => new Photo { Label = photo.Label, ImagePath = $"{photo.Label}/{photo.Name}" }));
        var backslashes = SmallPictures.View(
            _ml, photos.Select(photo => new Photo { Label = photo.Label, ImagePath = $@"{photo.Label}\{photo.Name}" }));
        var trainer = _ml.MulticlassClassification.Trainers.FineTuneImages(
            SmallTraining.Options with { ImageFolder = root + @"\assets\images" });

        using var fitted = trainer.Fit(SmallTraining.WithKeys(_ml, backslashes));
        using var model = (FineTuningTransformer)_ml.Model.Load(new MemoryStream(SmallTraining.Save(_ml, fitted)), out _);

        var expected = SmallTraining.Scores(fitted.Transform(slashes));
        Assert.IsTrue(expected.All(scores => scores.All(float.IsFinite)));
        SmallTraining.AssertSameBits(expected, SmallTraining.Scores(model.Transform(slashes)));
        SmallTraining.AssertSameBits(expected, SmallTraining.Scores(model.Transform(backslashes)));
    }

    [TestMethod]
    public void ANameWithABackslashIsItsOwnFirst()
    {
        SkipOnWindows("There no name has one.");
        var folder = SmallPictures.NewFolder();
        Directory.CreateDirectory(Path.Combine(folder, "a"));
        File.Copy(SmallPictures.PathOf("dots", 0), Path.Combine(folder, @"a\b.png"));
        File.WriteAllText(Path.Combine(folder, "a", "b.png"), "no picture");
        using var model = SmallTraining.LoadModel(_ml);

        var scores = SmallTraining.Scores(
            model.Transform(
                SmallPictures.View(
                _ml, [new Photo { ImagePath = Path.Combine(folder, @"a\b.png") },
                new Photo { ImagePath = SmallPictures.PathOf("dots", 0) }])));

        SmallTraining.AssertSameBits([scores[1]], [scores[0]]);
    }

    [TestMethod]
    public void APictureAsBase64TextIsShownByItsBeginningAndSaysWhatToDo()
    {
        var text = Convert.ToBase64String(File.ReadAllBytes(SmallPictures.PathOf("dots", 1))) + Convert.ToBase64String(new byte[3_000_000]);
        var photos = SmallPictures.Take(4).Append(new Photo { Label = "dots", ImagePath = text }).ToArray();
        var log = new LogLines(_ml);

        var error = Assert.ThrowsExactly<InvalidDataException>(() => SmallTraining.Fit(_ml, SmallTraining.Options, photos));
        using var model = SmallTraining.Fit(
            _ml, SmallTraining.Options with { BadRows = BadRows.Skip(), Epochs = 1, ImageStatusColumnName = "Status" }, photos);
        var scored = model.Transform(SmallPictures.View(_ml, [photos[0], photos[^1]]));

        Assert.AreEqual(text, model.Report!.BadRows.Single().Path);
        Assert.IsTrue(SmallTraining.Scores(scored)[1].All(float.IsNaN));
        var status = scored.GetColumn<string>("Status").ToArray();
        Assert.AreEqual("", status[0]);
        foreach (var message in (string[])[
            error.Message, model.Report.BadRows.Single().ToString(),
            log.Warnings.Single(line => line.StartsWith("Left out", StringComparison.Ordinal)), log.Warnings[^1], status[1]])
        {
            Assert.IsLessThan(1500, message.Length);
            StringAssert.Contains(message, "Convert.FromBase64String");
            StringAssert.Contains(message, $"{text.Length} characters");
        }
        StringAssert.Contains(error.Message, $"'{text[..500]}...");
        Assert.IsTrue(log.All.All(line => line.Length < 2000));
    }

    [TestMethod]
    public void LineBreaksAndEscapesOfAPathStayInOneLine()
    {
        var error = Assert.ThrowsExactly<InvalidDataException>(
            () => SmallTraining.Fit(_ml, SmallTraining.Options,
                [.. SmallPictures.Take(2), new Photo { Label = "dots", ImagePath = "no\n\u001b[31msuch.jpg" }]));

        StringAssert.Contains(error.Message, @"('no\n\u001b[31msuch.jpg'): there is no such file");
    }

    [TestMethod]
    public void PipesDevicesAndFoldersAreReasonsAtOnce()
    {
        var (folder, pipe) = (SmallPictures.NewFolder(), Pipe());
        var link = Path.Combine(SmallPictures.NewFolder(), "link.jpg");
        File.CreateSymbolicLink(link, pipe);
        foreach (var (path, reason) in ((string, string)[])[
            (pipe, "it is a pipe, not a file"), (link, "it is a pipe, not a file"), ("/dev/zero", "it is a device, not a file"),
            ("/dev/null", "it is a device, not a file"), (folder, "it is a folder")])
        {
            Assert.AreEqual(reason, OrdinaryFile.Refuse(path), path);
            var photo = new Photo { Label = "dots", ImagePath = path };

            var error = Within(() => Assert.ThrowsExactly<InvalidDataException>(
                () => SmallTraining.Fit(
                    _ml, SmallTraining.Options with
                    {
                        Strategy = Strategy.HeadOnly,
                        FeatureCache = FeatureCache.InFolder(SmallPictures.NewFolder())
                    },
                    [.. SmallPictures.Take(2), photo])));
            using var model = SmallTraining.LoadModel(_ml);
            var scores = Within(() => SmallTraining.Scores(model.Transform(SmallPictures.View(_ml, [photo]))));

            StringAssert.Contains(error.Message, $"('{path}'): {reason}");
            Assert.IsTrue(scores[0].All(float.IsNaN));
        }
        Assert.IsNull(OrdinaryFile.Refuse(SmallPictures.PathOf("dots", 0)));
        Assert.IsNull(OrdinaryFile.Refuse(Path.Combine(folder, "missing")), "to open it says it");
        var good = Path.Combine(folder, "good.png");
        File.CreateSymbolicLink(good, SmallPictures.PathOf("dots", 0));
        Assert.IsNull(OrdinaryFile.Refuse(good));
    }

    [TestMethod]
    public void WeightsThatAreAFolderOrAPipeSaySo()
    {
        var folder = SmallPictures.NewFolder();
        var pipe = Pipe();

        foreach (var act in (Action<string>[])[
            path => SmallTraining.Fit(_ml, SmallTraining.Options with { Backbone = Backbone.Micro.WithWeights(path) },
                SmallPictures.Take(2)), path => Backbone.FromTorchScript(path)])
        {
            StringAssert.Contains(Within(() => Assert.Throws<InvalidDataException>(() => act(folder))).Message, "is a folder");
            StringAssert.Contains(Within(() => Assert.Throws<InvalidDataException>(() => act(pipe))).Message, "it is a pipe, not a file");
        }
    }

    [TestMethod]
    public void ACheckpointThatIsAPipeIsLeftAside()
    {
        var log = new LogLines(_ml);
        using var folder = new Folder();
        var options = SmallTraining.Options with { Checkpoint = TrainingCheckpoint.EveryEpochs(folder.File("run")), Epochs = 1 };
        SmallTraining.Fit(_ml, options, SmallPictures.Take(2)).Dispose();
        var newest = Directory.GetFiles(folder.File("run"), "*.safetensors").Order(StringComparer.Ordinal).Last();
        File.Delete(newest);
        MakePipe(newest);

        Within(() => SmallTraining.Fit(_ml, options, SmallPictures.Take(2))).Dispose();

        Assert.IsTrue(log.Warnings.Any(line => line.Contains("it is a pipe, not a file", StringComparison.Ordinal)), log.ToString());
    }

    private static string Pipe()
    {
        var path = Path.Combine(SmallPictures.NewFolder(), "pipe.jpg");
        MakePipe(path);
        return path;
    }

    private static void MakePipe(string path)
    {
        SkipOnWindows("There are no such pipes.");
        using var mkfifo = Process.Start("mkfifo", [path]);
        mkfifo.WaitForExit();
        Assert.AreEqual(0, mkfifo.ExitCode);
    }

    private static void SkipOnWindows(string reason)
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive(reason);
    }

    // What hangs is a failure of this test, and not of the whole run.
    private static T Within<T>(Func<T> act)
    {
        var task = Task.Run(act);
        Assert.IsTrue(task.ContinueWith(_ => { }, TaskScheduler.Default).Wait(TimeSpan.FromMinutes(3)), "It hangs.");
        return task.GetAwaiter().GetResult();
    }
}
