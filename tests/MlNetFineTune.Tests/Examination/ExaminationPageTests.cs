using System.Text.RegularExpressions;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Examination;

[TestClass]
public sealed class ExaminationPageTests
{
    private const string Hostile = "<img src=x onerror=alert(1)>\"'&";

    [TestMethod]
    public void ThePageShowsTheFindingsAndNeedsNothingFromOutside()
    {
        using var folder = new Folder();
        var train = SmallPictures.Take(20);
        (train[4].Label, train[7].ImagePath) = ("dots", train[1].ImagePath);
        foreach (var photo in train.Where(photo => photo.Label == "stripes"))
            photo.Label = Hostile;
        Photo[] test = [.. SmallPictures.Take(3, skip: 25), train[9], new() { Label = "dots", ImagePath = BadPictures.All[2].Path }];

        var found = Examined.Of(train, test, Examined.Options with { ReportPath = folder.File("page.html") });

        var page = File.ReadAllText(folder.File("page.html"));
        StringAssert.Contains(page, "default-src 'none'; img-src data:; style-src 'unsafe-inline'");
        Assert.IsFalse(Regex.IsMatch(page, "<script|<link|<iframe|<object|@import|url\\(|https?:", RegexOptions.IgnoreCase));
        Assert.IsFalse(page.Contains("<img src=x", StringComparison.Ordinal));
        StringAssert.Contains(page, "&lt;img src=x onerror=alert(1)&gt;");
        foreach (var part in (string[])[
            "Test pictures that are in the training data", "Likely label errors", "Near-duplicates within a split",
            "Pictures that cannot be used", "it is cut off", "60 / 11", "looks like", "Classes"])
            StringAssert.Contains(page, part);
        var shown = found.Findings.Where(finding => finding.Row is not null && finding.Kind != DataExamination.FindingKind.Unreadable);
        Assert.AreEqual(shown.Sum(finding => finding.OtherRow is null ? 1 : 2), Regex.Count(page, "<img src=\"data:image/jpeg;base64,"));
    }

    [TestMethod]
    public void WithoutFindingsThePageSaysSo()
    {
        using var folder = new Folder();

        Examined.Pictures(Scenes.Write(SmallPictures.NewFolder(), 0, 5), options: Examined.Options with
        {
            ReportPath = folder.File("page.html"),
        });

        StringAssert.Contains(File.ReadAllText(folder.File("page.html")), "Nothing was found.");
        Assert.HasCount(1, Directory.GetFiles(Path.GetDirectoryName(folder.File("page.html"))!));
    }
}
