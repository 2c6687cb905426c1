using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Examination;

/// <summary>The snippet of docs/examine.md: compiled here, run here, and the same there, line by line.</summary>
[TestClass]
public sealed class ExamineSnippetsTests
{
    private readonly MLContext ml = new(seed: 1);
    private readonly Backbone backbone = Examined.Options.Backbone;

    [TestMethod]
    public void Examine()
    {
        var photos = SmallPictures.Take(12);
        photos[20].ImagePath = photos[2].ImagePath;
        var (train, test) = (SmallPictures.View(ml, photos), SmallPictures.View(ml, [.. SmallPictures.Take(3, skip: 20), photos[0]]));
        var path = Path.Combine(SmallPictures.NewFolder(), "page.html");
        // begin
        var examination = ml.FineTuning.Examine(train, test, new ExaminationOptions
        {
            Backbone = backbone,
            ReportPath = path, // an HTML page with thumbnails
        });
        foreach (var finding in examination.Findings)
            Console.WriteLine(finding); // kind, split, row, path, what is wrong and what to do
        var kept = ml.Data.FilterRowsByColumn(examination.Train, "IsDuplicate", upperBound: 1);
        kept = ml.Data.FilterRowsByColumn(kept, "IsInOtherSplit", upperBound: 1);
        kept = ml.Data.FilterRowsByColumn(kept, "LabelQuality", lowerBound: 0.02);
        // end
        // The copy, the photo that is also in the test, and a picture of stripes that is nearly equal to another.
        Assert.IsTrue(File.Exists(path));
        Assert.HasCount(33, kept.GetColumn<string>("Label").ToArray());
        Snippets.VerifyDocumented("Examination/ExamineSnippetsTests.cs", nameof(Examine), "examine.md");
    }
}
