using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Tests.Examination;

/// <summary>Near-duplicates within and between splits.</summary>
[TestClass]
public sealed class ExaminedDuplicatesTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly string _folder = SmallPictures.NewFolder();

    [TestMethod]
    public void CopiesAreFoundWithinAndBetweenSplits()
    {
        List<string> train = [.. Scenes.Write(_folder, 0, 20), Scenes.WriteJpeg(_folder, 3), Scenes.WriteJpeg(_folder, 4, quality: 30)];
        List<string> test = [.. Scenes.Write(_folder, 20, 8), Scenes.WriteJpeg(_folder, 7), Scenes.WriteJpeg(_folder, 21)];

        var found = Examined.Pictures(train, test);

        CollectionAssert.AreEquivalent(
            (string[])["train 20 train 3", "train 21 train 4", "test 9 test 1"],
            found.Of(FindingKind.Duplicate).Select(Pair).ToArray());
        CollectionAssert.AreEqual((string[])["test 8 train 7"], found.Of(FindingKind.DuplicateAcrossSplits).Select(Pair).ToArray());
        Assert.HasCount(4, found.Findings);
        Assert.AreEqual((train[20], train[3]),
            (found.Findings.Single(one => one.Row == 20).Path, found.Findings.Single(one => one.Row == 20).OtherPath));
    }

    // The first of a group stays, whatever the number of its copies; one finding for each copy.
    [TestMethod]
    public void FilterRowsByColumnKeepsOneOfEachGroup()
    {
        var same = Scenes.Write(_folder, 1);
        var other = Scenes.Write(_folder, 2);
        var found = Examined.Pictures([same, other, same, same, Scenes.Write(_folder, 3), other], [same, Scenes.Write(_folder, 4)]);

        var kept = _ml.Data.FilterRowsByColumn(found.Train, "IsDuplicate", upperBound: 1);
        var unseen = _ml.Data.FilterRowsByColumn(found.Test!, "IsInOtherSplit", upperBound: 1);
        var clean = _ml.Data.FilterRowsByColumn(found.Train, "FindingCount", upperBound: 1);

        Assert.HasCount(3, found.Of(FindingKind.Duplicate));
        Assert.HasCount(3, kept.GetColumn<string>("ImagePath").Distinct().ToArray());
        Assert.HasCount(3, kept.GetColumn<string>("ImagePath").ToArray());
        Assert.HasCount(1, unseen.GetColumn<string>("ImagePath").ToArray());
        Assert.HasCount(3, clean.GetColumn<string>("ImagePath").ToArray());
        CollectionAssert.AreEqual((float[])[1, 0, 0, 0, 0, 0], found.Train.GetColumn<float>("IsInOtherSplit").ToArray());
        CollectionAssert.AreEqual((float[])[1, 0], found.Test!.GetColumn<float>("IsInOtherSplit").ToArray());
    }

    [TestMethod]
    public void CopiesOfDifferentLabelsAreSaidToBeOne()
    {
        var same = Scenes.Write(_folder, 1);
        Photo[] photos = [.. Scenes.Write(_folder, 5, 4).Select(path => new Photo { ImagePath = path, Label = "a" }),
            new() { ImagePath = same, Label = "a" }, new() { ImagePath = same, Label = "b" }];

        var pair = Examined.Of(photos).Of(FindingKind.Duplicate).Single();

        StringAssert.StartsWith(pair.Advice, "The labels differ, 'b' and 'a': one of them is wrong.");
    }

    [TestMethod]
    public void TheTableHasTheFindings()
    {
        var same = Scenes.Write(_folder, 1);
        var found = Examined.Pictures([same, Scenes.Write(_folder, 2)], [same]);

        var table = found.FindingsView;

        CollectionAssert.AreEqual(
            (string[])["Kind", "Split", "Row", "Path", "OtherSplit", "OtherRow", "OtherPath", "Score", "SuggestedLabel", "Advice"],
            table.Schema.Select(column => column.Name).ToArray());
        Assert.AreEqual(("DuplicateAcrossSplits", "test", 0L, same, "train", 0L), (table.GetColumn<string>("Kind").Single(),
            table.GetColumn<string>("Split").Single(), table.GetColumn<long>("Row").Single(), table.GetColumn<string>("Path").Single(),
            table.GetColumn<string>("OtherSplit").Single(), table.GetColumn<long>("OtherRow").Single()));
        StringAssert.StartsWith(found.Findings[0].ToString(), "DuplicateAcrossSplits, test row 0 ('");
    }

    [TestMethod]
    public void AGreaterSimilarityFindsFewer()
    {
        List<string> paths =
            [.. Scenes.Write(_folder, 0, 20), Scenes.WriteJpeg(_folder, 3, quality: 10, side: 40), Scenes.Write(_folder, 4)];

        var found = Examined.Pictures(paths, options: Examined.Options with { DuplicateSimilarity = 1 });

        Assert.AreEqual("train 21 train 4", Pair(found.Of(FindingKind.Duplicate).Single()));
    }

    private static string Pair(Finding finding) => FormattableString.Invariant(
        $"{Split(finding.InTest)} {finding.Row} {Split(finding.OtherInTest)} {finding.OtherRow}");

    private static string Split(bool inTest) => inTest ? "test" : "train";
}
