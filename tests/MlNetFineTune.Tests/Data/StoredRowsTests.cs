using MlNetFineTune.Data;
using MlNetFineTune.MlNet;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Data;

[TestClass]
public sealed class StoredRowsTests
{
    private readonly ImageEncoder _encoder = new(new ImagePreprocessing { Size = 32, CropFraction = 1 });

    [TestMethod]
    public void PicturesOfEveryKindComeBackByIndexOnManyThreads()
    {
        var folder = SmallPictures.NewFolder();
        using var rows = new StoredRows(folder);
        var expected = new List<byte[]?>();
        for (var i = 0; i < 60; i++)
        {
            var pixels = FormulaPicture.Pixels(32 + i, 40);
            var path = SmallPictures.PathOf("dots", i % SmallPictures.PerClass);
            var picture = (i % 4) switch
            {
                0 => new Picture(new PictureHead(Pixels: new PixelForm(32 + i, 40, BlueFirst: i % 8 == 0)), pixels),
                1 => new Picture(default, FormulaPicture.Encode(pixels, 32 + i, 40)),
                2 => new Picture(new PictureHead(Path: path)),
                _ => Picture.Unusable($"reason {i}"),
            };
            var output = new byte[_encoder.Length];
            expected.Add(picture.Encode(_encoder, Augmentation.None, default, output) is null ? output : null);
            rows.Add(picture);
        }

        Parallel.For(0, 600, new ParallelOptions { MaxDegreeOfParallelism = 8 }, n =>
        {
            var row = n * 7 % 60;
            var output = new byte[_encoder.Length];
            Assert.AreEqual(row % 4 == 3 ? $"reason {row}" : null, rows.Encode(row, _encoder, Augmentation.None, default, output));
            Assert.AreEqual(row % 4 == 2 ? SmallPictures.PathOf("dots", row % SmallPictures.PerClass) : null, rows.PathOf(row));
            if (expected[row] is { } bytes)
                CollectionAssert.AreEqual(bytes, output, $"row {row}");
        });
        Assert.AreEqual(60, rows.Count);
        Assert.AreEqual(1, OpenFiles.CountIn(folder));
    }

    [TestMethod]
    public void PathsNeedNoTemporaryFile()
    {
        var folder = Path.Combine(SmallPictures.NewFolder(), "not made");
        using var rows = new StoredRows(folder);

        rows.Add(new Picture(new PictureHead(Path: SmallPictures.PathOf("dots", 0))));
        rows.Add(Picture.Unusable("it is missing"));

        Assert.IsNull(rows.Encode(0, _encoder, Augmentation.None, default, new byte[_encoder.Length]));
        Assert.AreEqual(0, rows.SpooledBytes);
        Assert.IsFalse(Directory.Exists(folder));
    }

    [TestMethod]
    public void EncodedPicturesStayEncoded()
    {
        using var rows = new StoredRows(SmallPictures.NewFolder());
        var file = File.ReadAllBytes(SmallPictures.PathOf("dots", 1));

        rows.Add(new Picture(default, file));

        Assert.AreEqual(file.Length, rows.SpooledBytes);
    }

    [TestMethod]
    public void AFullDiskIsAnErrorThatSaysWhereAndWhatToDo()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Inconclusive("Needs /dev/full.");
        using var rows = new StoredRows("/some/folder", File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write));

        var error = Assert.ThrowsExactly<IOException>(() => rows.Add(new Picture(default, new byte[100_000])));

        StringAssert.Contains(error.Message, "'/some/folder'");
        StringAssert.Contains(error.Message, "No space left");
        StringAssert.Contains(error.Message, "MLContext.TempFilePath");
    }

    [TestMethod]
    public void AFolderThatCannotBeWrittenIsAnErrorThatNamesIt()
    {
        var file = Path.Combine(SmallPictures.NewFolder(), "file");
        File.WriteAllText(file, "");
        using var rows = new StoredRows(file);

        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => rows.Add(new Picture(default, new byte[10]))).Message, $"'{file}'");
    }
}
