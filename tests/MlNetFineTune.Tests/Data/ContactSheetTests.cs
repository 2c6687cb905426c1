using MlNetFineTune.Data;
using MlNetFineTune.Primitives;
using MlNetFineTune.Tests.Support;
using SkiaSharp;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class ContactSheetTests
{
    [TestMethod]
    public void ARowShowsThePictureAsScoringSeesItAndThenAsTrainingDoes()
    {
        string[] paths = [SmallPictures.PathOf("dots", 0), SmallPictures.PathOf("rings", 1)];
        var file = Path.Combine(SmallPictures.NewFolder(), "sheet.png");
        Augmentation.Strong.SaveContactSheet(paths, file, samples: 3, size: 40, seed: 7);
        using var sheet = SKBitmap.Decode(file);
        Assert.AreEqual((4 * 44 + 4, 2 * 44 + 4), (sheet.Width, sheet.Height));
        Assert.AreEqual(SKColors.White, sheet.GetPixel(2, 50));

        var encoder = new ImageEncoder(new ImagePreprocessing { Size = 40 });
        var pixels = new byte[encoder.Length];
        for (var sample = 0; sample < 4; sample++)
        {
            Assert.IsNull(
                encoder.EncodeFile(paths[1], sample == 0 ? Augmentation.None : Augmentation.Strong,
                    new CountedRandom(7, RandomStream.Augmentation, sample, 1), pixels));
            for (var i = 0; i < 40 * 40; i++)
                Assert.AreEqual(new SKColor(pixels[i * 3], pixels[i * 3 + 1], pixels[i * 3 + 2]),
                    sheet.GetPixel(4 + sample * 44 + i % 40, 48 + i / 40));
        }
    }

    [TestMethod]
    public void TheSameSeedDrawsTheSameFileAndOnlyThatFileIsLeft()
    {
        var folder = SmallPictures.NewFolder();
        byte[] Draw(long seed)
        {
            var file = Path.Combine(folder, "sheet.png");
            Augmentation.Standard.SaveContactSheet([SmallPictures.PathOf("dots", 0)], file, samples: 2, size: 32, seed: seed);
            Assert.HasCount(1, Directory.GetFiles(folder));
            return File.ReadAllBytes(file);
        }
        CollectionAssert.AreEqual(Draw(1), Draw(1));
        CollectionAssert.AreNotEqual(Draw(1), Draw(2));
    }

    [TestMethod]
    public void WhatCannotBeShownIsNamedAndNoSheetIsLeft()
    {
        var folder = SmallPictures.NewFolder();
        var file = Path.Combine(folder, "sheet.png");
        var message = Assert.ThrowsExactly<InvalidDataException>(
            () => Augmentation.Light.SaveContactSheet([SmallPictures.PathOf("dots", 0), Path.Combine(folder, "none.jpg")], file)).Message;
        StringAssert.Contains(message, "none.jpg' cannot be shown: there is no such file");
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder));
        Assert.ThrowsExactly<ArgumentException>(() => Augmentation.Light.SaveContactSheet([], file));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Augmentation.Light.SaveContactSheet(["x"], file, samples: 0));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Augmentation.Light.SaveContactSheet(["x"], file, size: 31));
    }
}
