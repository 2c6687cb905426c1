using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;
using SkiaSharp;
using static MlNetFineTune.DataExamination;

namespace MlNetFineTune.Tests.Examination;

/// <summary>Findings about single pictures, each with pictures for which there is none.</summary>
[TestClass]
public sealed class ExaminedPicturesTests
{
    private readonly string _folder = SmallPictures.NewFolder();

    [TestMethod]
    public void DifferentSharpPicturesHaveNoFindings()
    {
        var found = Examined.Pictures(Scenes.Write(_folder, 0, 30), Scenes.Write(_folder, 30, 10));

        Assert.IsEmpty(found.Findings, string.Join("\n", found.Findings));
        Assert.AreEqual("no findings", found.ToString());
    }

    [TestMethod]
    public void PicturesThatCannotBeReadAreFoundWithTheReason()
    {
        var found = Examined.Pictures([.. BadPictures.All.Select(bad => bad.Path), .. Scenes.Write(_folder, 0, 3)]);

        var unreadable = found.Of(FindingKind.Unreadable);
        CollectionAssert.AreEqual(
            Enumerable.Range(0, BadPictures.All.Count).Select(row => (long?)row).ToArray(), unreadable.Select(one => one.Row).ToArray());
        foreach (var (finding, (path, reason)) in unreadable.Zip(BadPictures.All))
        {
            StringAssert.Contains(finding.Advice, reason);
            Assert.AreEqual(path.Length > 0 ? path : null, finding.Path);
        }
        Assert.HasCount(unreadable.Length, found.Findings);
        CollectionAssert.AreEqual(
            (float[])[.. Enumerable.Repeat(1f, BadPictures.All.Count), 0, 0, 0],
            found.Train.GetColumn<float>("IsPoorPicture").ToArray());
    }

    [TestMethod]
    public void BlankPicturesAreFoundAndAreNoDuplicatesOfEachOther()
    {
        var faint = Scenes.WriteBlank(_folder, new SKColor(128, 128, 128));
        List<string> paths = [Scenes.WriteBlank(_folder, SKColors.White), Scenes.WriteBlank(_folder, SKColors.White), faint,
            .. Scenes.Write(_folder, 0, 5)];

        var found = Examined.Pictures(paths);

        CollectionAssert.AreEqual((long?[])[0, 1, 2], found.Of(FindingKind.Blank).Select(one => one.Row).ToArray());
        Assert.HasCount(3, found.Findings, string.Join("\n", found.Findings));
        Assert.AreEqual(0, found.Findings[0].Score);
    }

    // A quarter of the picture in focus is enough.
    [TestMethod]
    public void BlurredPicturesAreFoundAndABlurredBackgroundIsNot()
    {
        var partly = Scenes.WriteBlurred(_folder, 3, 6);
        using (var bitmap = SKBitmap.Decode(partly))
        using (var canvas = new SKCanvas(bitmap))
        {
            using var paint = new SKPaint { Color = SKColors.Yellow };
            for (var line = 0; line < Scenes.Side / 2; line += 6)
                canvas.DrawRect(line, 0, 3, Scenes.Side / 2, paint);
            using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(partly, data.ToArray());
        }

        var found = Examined.Pictures(
            [Scenes.WriteBlurred(_folder, 1, 5), partly, Scenes.WriteBlurred(_folder, 2, 6), .. Scenes.Write(_folder, 10, 5)]);

        var blurred = found.Of(FindingKind.Blurred);
        CollectionAssert.AreEquivalent((long?[])[0, 2], blurred.Select(one => one.Row).ToArray());
        Assert.IsLessThanOrEqualTo(blurred[1].Score, blurred[0].Score, "the most serious first");
        Assert.HasCount(2, found.Findings, string.Join("\n", found.Findings));
    }

    [TestMethod]
    public void TinyPicturesAreFoundBelowTheLimit()
    {
        List<string> paths = [Scenes.Write(_folder, 1, side: 31), Scenes.Write(_folder, 2, side: 32), .. Scenes.Write(_folder, 3, 3)];

        CollectionAssert.AreEqual(
            (long?[])[0], Examined.Pictures(paths).Of(FindingKind.Tiny).Select(one => one.Row).ToArray());
        CollectionAssert.AreEqual(
            (long?[])[0, 1], Examined.Pictures(paths, options: Examined.Options with { SmallestSide = 64 })
                .Of(FindingKind.Tiny).Select(one => one.Row).ToArray());
    }

    [TestMethod]
    public void APictureThatIsStoredRotatedIsFoundAndComparedUpright()
    {
        var found = Examined.Pictures(
            [Scenes.WriteJpeg(_folder, 1, orientation: 6), Scenes.WriteJpeg(_folder, 2), .. Scenes.Write(_folder, 3, 3)]);

        var rotated = found.Of(FindingKind.ExifOrientation).Single();
        Assert.AreEqual((0L, 6f), (rotated.Row!.Value, rotated.Score));
        Assert.HasCount(1, found.Findings);
    }

    // Sources that are not files: their rows have no path.
    [TestMethod]
    [DataRow(nameof(EveryForm.File))]
    [DataRow(nameof(EveryForm.Image))]
    [DataRow(nameof(EveryForm.Interleaved))]
    [DataRow(nameof(EveryForm.ZeroToOne))]
    public void EveryKindOfColumnIsExamined(string column)
    {
        var ml = new MLContext(seed: 1);
        var rows = PictureSources.Rows(3);
        var view = ml.Data.LoadFromEnumerable([.. rows, rows[4]]);

        var found = ml.FineTuning.Examine(view, null, Examined.Options with
        {
            ImageColumnName = column,
            RawPixels = PictureSources.All.Single(source => source.Column == column).Pixels,
        });

        var copy = found.Of(FindingKind.Duplicate).Single(pair => pair.Score == 1);
        Assert.AreEqual((rows.Length, 4L, null), (copy.Row!.Value, copy.OtherRow!.Value, copy.Path));
    }
}
