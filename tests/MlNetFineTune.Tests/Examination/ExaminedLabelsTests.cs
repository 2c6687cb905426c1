using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Tests.Examination;

/// <summary>Likely label errors, and what is said of classes and order.</summary>
[TestClass]
public sealed class ExaminedLabelsTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void PlantedErrorsAreFoundInBothSplitsWithTheirClass()
    {
        var (train, test) = (SmallPictures.Take(20), SmallPictures.Take(10, skip: 20));
        (Photo Photo, bool InTest, long Row, string Truth)[] planted =
            [Plant(train, 4), Plant(train, 18), Plant(train, 32), Plant(train, 47), Plant(test, 5), Plant(test, 21)];

        var found = Examined.Of(train, test);

        var errors = found.Of(FindingKind.LikelyLabelError);
        Assert.IsGreaterThanOrEqualTo(planted.Length - 1, errors.Length);
        foreach (var error in errors)
        {
            var (_, inTest, row, truth) = planted.Single(one => one.InTest == error.InTest && one.Row == error.Row);
            Assert.AreEqual(truth, error.SuggestedLabel);
            Assert.AreEqual(error.Score, (inTest ? found.Test! : found.Train).GetColumn<float>("LabelQuality").ElementAt((int)row));
        }
        Assert.IsTrue(errors.Any(error => error.InTest));
        CollectionAssert.AreEqual(errors.Select(one => one.Score).Order().ToArray(), errors.Select(one => one.Score).ToArray());
        Assert.AreEqual(4, found.Train.GetColumn<float>("IsLikelyLabelError").Sum());
        Assert.AreEqual(4, found.Train.GetColumn<string>("SuggestedLabel").Count(text => text.Length > 0));
        var corrected = _ml.Data.FilterRowsByColumn(found.Train, "IsLikelyLabelError", upperBound: 1);
        Assert.HasCount(56, corrected.GetColumn<string>("Label").ToArray());

        (Photo, bool, long, string) Plant(Photo[] photos, int row)
        {
            var truth = photos[row].Label;
            photos[row].Label = SmallPictures.Classes.First(name => name != truth);
            return (photos[row], photos == test, row, truth);
        }
    }

    [TestMethod]
    public void RightLabelsAreNotSuspected()
    {
        var found = Examined.Of(SmallPictures.Take(20), SmallPictures.Take(10, skip: 20));

        Assert.IsEmpty(found.Of(FindingKind.LikelyLabelError));
        Assert.IsTrue(found.Train.GetColumn<float>("LabelQuality").All(quality => quality is > 0.5f and <= 1));
        Assert.AreEqual(1, found.LabelAgreement);
        Assert.AreEqual(double.NaN, Examined.Of(SmallPictures.Take(3)).LabelAgreement, "fewer rows of a class than folds");
    }

    // The key numbers of train and test differ; names decide.
    [TestMethod]
    public void KeysAndBooleansAreLabelsAsTextIs()
    {
        var (train, test) = (SmallPictures.Take(20), SmallPictures.Take(6, skip: 20).Reverse().ToArray());
        train[18].Label = "rings"; // dots
        var expected = Examined.Of(train, test).Findings.Select(finding => finding.ToString()).ToArray();

        var keys = _ml.FineTuning.Examine(Keyed(train), Keyed(test), Examined.Options);
        var flags = _ml.Data.LoadFromEnumerable(
            train.Select(photo => new Flagged { Label = photo.Label == "rings", ImagePath = photo.ImagePath }).ToArray());
        var binary = _ml.FineTuning.Examine(flags, null, Examined.Options);

        CollectionAssert.AreEqual(expected, keys.Findings.Select(finding => finding.ToString()).ToArray());
        Assert.AreEqual(18L, keys.Of(FindingKind.LikelyLabelError).Single().Row);
        Assert.IsTrue(((KeyDataViewType)keys.Train.Schema["Label"].Type).Count > 0 && keys.Train.Schema["Label"].HasKeyValues());
        Assert.AreEqual("False", binary.Of(FindingKind.LikelyLabelError).Single(error => error.Row == 18).SuggestedLabel);

        IDataView Keyed(Photo[] photos)
        {
            var view = SmallPictures.View(_ml, photos);
            return _ml.Transforms.Conversion.MapValueToKey("Label").Fit(view).Transform(view);
        }
    }

    // Six copies of one photo with one wrong label: in other folds they would confirm each other.
    [TestMethod]
    public void CopiesOfAWronglyLabelledPictureDoNotConfirmIt()
    {
        var photos = SmallPictures.Take(20).ToList();
        photos.AddRange(Enumerable.Range(0, 5).Select(_ => new Photo { ImagePath = photos[3].ImagePath, Label = "rings" }));
        photos[3].Label = "rings"; // dots

        var found = Examined.Of(photos);

        CollectionAssert.IsSubsetOf((long?[])[3, 60, 61, 62, 63, 64],
            found.Of(FindingKind.LikelyLabelError).Select(one => one.Row).ToArray());
    }

    [TestMethod]
    public void ClassesWithFewerRowsThanFoldsAreNotJudged()
    {
        var photos = SmallPictures.Take(12).ToList();
        photos.AddRange(SmallPictures.Take(4, skip: 20).Where(photo => photo.Label == "dots")
            .Select(photo => new Photo { Label = "rare", ImagePath = photo.ImagePath }));

        var found = Examined.Of(photos);

        Assert.IsEmpty(found.Of(FindingKind.LikelyLabelError));
        CollectionAssert.AreEqual((float[])[1, 1, 1, 1], found.Train.GetColumn<float>("LabelQuality").Skip(36).ToArray());
        CollectionAssert.AreEqual(
            (string[])["'dots' has 12", "'rare' has 4", "'rings' has 12", "'stripes' has 12"],
            found.Of(FindingKind.FewRows).Select(one => one.Advice["Class ".Length..one.Advice.IndexOf(" training")]).Order().ToArray());
    }

    [TestMethod]
    public void ClassesOfOneSplitAndImbalanceAreFound()
    {
        var train = SmallPictures.Take(24).Where(photo => photo.Label != "rings")
            .Where((photo, place) => photo.Label == "dots" || place < 4).ToArray();
        var test = SmallPictures.Take(4, skip: 25).Where(photo => photo.Label != "stripes");

        var found = Examined.Of(train, test, Examined.Options with { FewestRows = 1 });

        CollectionAssert.AreEqual((string[])["test 4", "train 2"], found.Of(FindingKind.OnlyInOneSplit)
            .Select(one => FormattableString.Invariant($"{(one.InTest ? "test" : "train")} {one.Score}")).ToArray());
        Assert.AreEqual(12, found.Of(FindingKind.Imbalance).Single().Score);
        Assert.IsEmpty(Examined.Of(train, null, Examined.Options with { GreatestImbalance = 12 }).Of(FindingKind.Imbalance));
    }

    [TestMethod]
    public void SortedRowsAreFoundAndShuffledOnesAreNot()
    {
        Photo[] sorted = [.. SmallPictures.Take(20).OrderBy(photo => photo.Label)];
        var shuffled = (Photo[])sorted.Clone();
        new Random(1).Shuffle(shuffled);

        var found = Examined.Of(sorted, shuffled).Of(FindingKind.SortedByLabel).Single();

        Assert.IsFalse(found.InTest);
        Assert.AreEqual(2 / 40.0, found.Score, 0.001);
        StringAssert.Contains(found.Advice, "changes 2 times from row to row, and in a random order it would 40 times");
    }

    [TestMethod]
    public void RowsWithoutALabelAreFound()
    {
        var photos = SmallPictures.Take(3);
        photos[4].Label = "";

        Assert.AreEqual(4L, Examined.Of(photos).Of(FindingKind.NoLabel).Single().Row);
    }

    private sealed class Flagged
    {
        public bool Label { get; set; }

        public string ImagePath { get; set; } = "";
    }
}
