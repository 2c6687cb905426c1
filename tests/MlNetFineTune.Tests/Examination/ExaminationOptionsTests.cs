using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Tests.Examination;

/// <summary>Options, errors, progress, cancellation, and what does not change the result.</summary>
[TestClass]
public sealed class ExaminationOptionsTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TheDefaultsAre()
    {
        var options = new ExaminationOptions { Backbone = SmallTraining.Backbone };

        Assert.AreEqual(("ImagePath", "Label", null, null), (options.ImageColumnName, options.LabelColumnName, options.ImageFolder,
            options.RawPixels));
        Assert.AreEqual(
            (0.65f, 5, 32, 10f, 0.3f, 20, 10f), (options.DuplicateSimilarity, options.Folds, options.SmallestSide, options.LeastContrast,
            options.LeastSharpness, options.FewestRows, options.GreatestImbalance));
        Assert.AreEqual((FeatureCache.None, null, null, null, CancellationToken.None), (options.FeatureCache, options.ReportPath,
            options.Seed, options.Progress, options.CancellationToken));
        Assert.AreEqual(Math.Min(Environment.ProcessorCount, 16), options.Workers);
    }

    [TestMethod]
    public void ValuesOutOfRangeAreRefusedByName()
    {
        foreach (var (name, set) in (IEnumerable<(string, Func<ExaminationOptions>)>)[
            ("DuplicateSimilarity", () => Examined.Options with { DuplicateSimilarity = 0.4f }),
            ("DuplicateSimilarity", () => Examined.Options with { DuplicateSimilarity = float.NaN }),
            ("Folds", () => Examined.Options with { Folds = 1 }),
            ("SmallestSide", () => Examined.Options with { SmallestSide = 0 }),
            ("LeastContrast", () => Examined.Options with { LeastContrast = -1 }),
            ("LeastSharpness", () => Examined.Options with { LeastSharpness = -1 }),
            ("FewestRows", () => Examined.Options with { FewestRows = 0 }),
            ("GreatestImbalance", () => Examined.Options with { GreatestImbalance = 0.5f }),
            ("Workers", () => Examined.Options with { Workers = 0 })])
        {
            var error = Assert.Throws<ArgumentOutOfRangeException>(set, name);
            Assert.AreEqual(name, error.ParamName);
            StringAssert.Contains(error.Message, "It must be between");
        }
        foreach (var set in (Func<ExaminationOptions>[])[
            () => Examined.Options with { ImageColumnName = " " }, () => Examined.Options with { LabelColumnName = "" },
            () => Examined.Options with { ReportPath = "" }])
            Assert.Throws<ArgumentException>(set);
        StringAssert.Contains(
            Assert.Throws<ArgumentException>(() => new ExaminationOptions { Backbone = Backbone.MobileNetV2 }).Message,
            "Say where the weights of mobilenetv2_100 come from");
    }

    [TestMethod]
    public void TheTextOfOptionsAndFindingsIsTheSameInEveryCulture()
    {
        var expected = (Examined.Options with { DuplicateSimilarity = 0.75f }).ToString();
        StringAssert.Contains(expected, "DuplicateSimilarity = 0.75");
        var photos = SmallPictures.Take(7);
        photos[5].ImagePath = photos[2].ImagePath;
        photos[5].Label = "dots";
        var findings = Texts(Examined.Of(photos));
        Assert.IsNotEmpty(findings);

        Culture.Each(name =>
        {
            Assert.AreEqual(expected, (Examined.Options with { DuplicateSimilarity = 0.75f }).ToString(), name);
            CollectionAssert.AreEqual(findings, Texts(Examined.Of(photos)), name);
        });
    }

    [TestMethod]
    public void MissingColumnsAndWrongTypesAreMlNetsErrors()
    {
        var photos = SmallPictures.View(_ml, SmallPictures.Take(3));

        StringAssert.Contains(Error(photos, Examined.Options with { ImageColumnName = "Picture" }).Message, "'Picture'");
        StringAssert.Contains(Error(photos, Examined.Options with { LabelColumnName = "Class" }).Message, "'Class'");
        var numbers = _ml.Data.LoadFromEnumerable([new Numbered()]);
        StringAssert.Contains(
            Error(numbers, Examined.Options).Message, "expected Key, String or Boolean (or set LabelColumnName to null), got Single");
        var none = _ml.Data.LoadFromEnumerable(Array.Empty<Photo>());
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(
            () => _ml.FineTuning.Examine(none, null, Examined.Options)).Message, "the data have no rows");
        StringAssert.Contains(
            Assert.Throws<DirectoryNotFoundException>(() => _ml.FineTuning.Examine(
                photos, null, Examined.Options with { ReportPath = Path.Combine("no", "such", "folder.html") })).Message,
            "there is no folder");

        ArgumentOutOfRangeException Error(IDataView data, ExaminationOptions options) =>
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.FineTuning.Examine(data, null, options));
    }

    [TestMethod]
    public void ProgressRisesToOne()
    {
        var seen = new List<float>();

        Examined.Of(SmallPictures.Take(10), options: Examined.Options with { Progress = new Receiver(seen.Add) });

        Assert.AreEqual(1, seen[^1]);
        Assert.IsGreaterThan(20, seen.Count);
        CollectionAssert.AreEqual(seen.Order().Distinct().ToList(), seen);
    }

    // At many places of the work: nothing is left behind (every test counts tensors), and no finding is returned.
    [TestMethod]
    [DataRow(0f)]
    [DataRow(0.1f)]
    [DataRow(0.4f)]
    [DataRow(0.86f)]
    [DataRow(0.93f)]
    public void CancellationEndsIt(float at)
    {
        using var source = new CancellationTokenSource();
        if (at == 0)
            source.Cancel();
        var options = Examined.Options with
        {
            CancellationToken = source.Token,
            Progress = new Receiver(fraction =>
            {
                if (fraction >= at)
                    source.Cancel();
            }),
        };

        Assert.Throws<OperationCanceledException>(() => Examined.Of(SmallPictures.Take(10), options: options));
    }

    [TestMethod]
    public void WorkersAndTheCacheDoNotChangeTheResultAndTheSeedIsTheContexts()
    {
        using var folder = new Folder();
        var photos = SmallPictures.Take(12);
        (photos[4].Label, photos[9].ImagePath) = ("dots", photos[6].ImagePath);
        var expected = Everything(Examined.Options with { Workers = 1 });
        var cached = Examined.Options with { FeatureCache = FeatureCache.InFolder(folder.File("features")) };

        CollectionAssert.AreEqual(expected, Everything(Examined.Options with { Workers = 7 }));
        CollectionAssert.AreEqual(expected, Everything(Examined.Options with { Seed = null }));
        CollectionAssert.AreEqual(expected, Everything(cached));
        CollectionAssert.AreEqual(expected, Everything(cached));
        Assert.IsNotEmpty(Directory.GetFiles(folder.File("features"), "*", SearchOption.AllDirectories));
        CollectionAssert.AreNotEqual(expected, Everything(Examined.Options with { Seed = 2 }), "other folds, other probabilities");

        string[] Everything(ExaminationOptions options)
        {
            var found = Examined.Of(photos, options: options);
            return [.. Texts(found), .. found.Train.GetColumn<float>("LabelQuality").Select(value => value.ToString("R"))];
        }
    }

    // The data are read as views: nothing but the rows is kept, and the columns of the result read them again.
    [TestMethod]
    public void TheResultKeepsTheColumnsOfTheData()
    {
        var photos = SmallPictures.Take(4);

        var found = Examined.Of(photos, SmallPictures.Take(2, skip: 10));

        CollectionAssert.AreEqual(photos.Select(photo => photo.ImagePath).ToArray(),
            found.Train.GetColumn<string>("ImagePath").ToArray());
        CollectionAssert.AreEqual(
            (string[])["Label", "ImagePath", "FindingCount", "IsPoorPicture", "IsDuplicate", "IsInOtherSplit", "IsLikelyLabelError",
                "LabelQuality", "SuggestedLabel"], found.Test!.Schema.Select(column => column.Name).ToArray());
        Assert.IsNull(Examined.Of(photos).Test);
        Assert.IsEmpty(found.Of(FindingKind.Unreadable));
    }

    private static string[] Texts(DataExamination found) => [.. found.Findings.Select(finding => finding.ToString())];

    private sealed class Receiver(Action<float> receive) : IProgress<float>
    {
        public void Report(float value) => receive(value);
    }

    private sealed class Numbered
    {
        public float Label { get; set; }

        public string ImagePath { get; set; } = "";
    }
}
