using Microsoft.ML;
using Microsoft.ML.Data;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Catalog;

[TestClass]
public sealed class ImageFolderCatalogTests
{
    private readonly MLContext _ml = new();

    [TestMethod]
    public void PicturesOfSubfoldersAreFoundInOrdinalOrderAndOtherFilesAreNot()
    {
        var root = SmallPictures.NewFolder();
        foreach (var file in (string[])[
            "b/2.jpg", "b/10.PNG", "b/deep/er/1.webp", "a/Z.bmp", "a/a.gif", "a/notes.txt", "a/thumbs.db", "a/x.jpg.bak", "loose.jpg",
            "a/._Z.bmp", "a/.cache/1.jpg", ".checkpoints/1.jpg", "__MACOSX/a/1.jpg"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, file))!);
            File.WriteAllText(Path.Combine(root, file), "");
        }

        var view = _ml.Data.LoadImageFolder(root);

        CollectionAssert.AreEqual(
            new[] { "a/Z.bmp", "a/a.gif", "b/10.PNG", "b/2.jpg", "b/deep/er/1.webp" },
            view.GetColumn<string>("ImagePath").Select(path => Path.GetRelativePath(root, path).Replace('\\', '/')).ToArray());
        CollectionAssert.AreEqual(new[] { "a", "a", "b", "b", "b" }, view.GetColumn<string>("Label").ToArray());
        Assert.IsInstanceOfType<TextDataViewType>(view.Schema["Label"].Type);
        Assert.IsTrue(view.GetColumn<string>("ImagePath").All(Path.IsPathFullyQualified));
    }

    [TestMethod]
    public void AFolderThatIsNotThereIsNamed()
    {
        var missing = Path.Combine(SmallPictures.NewFolder(), "nowhere");

        var error = Assert.ThrowsExactly<DirectoryNotFoundException>(() => _ml.Data.LoadImageFolder(missing));

        StringAssert.Contains(error.Message, missing);
    }

    [TestMethod]
    public void AnEmptyFolderIsAnErrorThatSaysWhatIsExpected()
    {
        var root = SmallPictures.NewFolder();
        File.WriteAllText(Path.Combine(root, "loose.jpg"), "");

        var error = Assert.ThrowsExactly<InvalidDataException>(() => _ml.Data.LoadImageFolder(root));

        StringAssert.Contains(error.Message, root);
        StringAssert.Contains(error.Message, "no folder with pictures");
        StringAssert.Contains(error.Message, "at least two classes");
        StringAssert.Contains(error.Message, "1 pictures lie beside");
    }

    [TestMethod]
    public void ASingleClassIsAnErrorThatNamesIt()
    {
        var root = SmallPictures.NewFolder();
        Directory.CreateDirectory(Path.Combine(root, "cats"));
        Directory.CreateDirectory(Path.Combine(root, "dogs"));
        File.WriteAllText(Path.Combine(root, "cats", "1.jpg"), "");

        var error = Assert.ThrowsExactly<InvalidDataException>(() => _ml.Data.LoadImageFolder(root));

        StringAssert.Contains(error.Message, "in the folder 'cats' alone");
    }

    [TestMethod]
    public void FoldersWithoutReadablePicturesAreNamedWithWhatIsInThem()
    {
        var root = Tree("cats/1.jpg", "dogs/1.jpg", "snakes/1.tif", "snakes/2.TIF", "snakes/notes.txt");
        Directory.CreateDirectory(Path.Combine(root, "birds"));

        var error = Assert.ThrowsExactly<InvalidDataException>(() => _ml.Data.LoadImageFolder(root));

        StringAssert.Contains(error.Message, "2 of the 4 folders");
        StringAssert.Contains(error.Message, "'birds' (no files), 'snakes' (3 files: 2 .tif, 1 .txt)");
        StringAssert.Contains(error.Message, "take the folder away");
    }

    [TestMethod]
    public void EveryNameOfAFormatThatIsReadCounts()
    {
        var names = new[] { "jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp", "png", "apng", "gif", "bmp", "dib", "webp" };
        var root = Tree([.. names.Select(name => $"a/1.{name}"), "b/1.JFIF"]);

        Assert.HasCount(names.Length + 1, _ml.Data.LoadImageFolder(root).GetColumn<string>("ImagePath").ToArray());
    }

    [TestMethod]
    public void WhatIsLeftOutIsWarnedOf()
    {
        var log = new LogLines(_ml);
        _ml.Data.LoadImageFolder(Tree("a/1.jpg", "b/1.jpg", "a/notes.txt"));
        Assert.IsEmpty(log.Warnings);

        _ml.Data.LoadImageFolder(Tree("a/1.jpg", "a/2.heic", "b/1.jpg", "b/deep/2.tif", "b/3.tif", "loose.png"));

        Assert.HasCount(2, log.Warnings);
        StringAssert.Contains(log.Warnings[0], "3 pictures of formats that cannot be read are left out (2 .tif, 1 .heic)");
        StringAssert.Contains(log.Warnings[1], "1 pictures lie beside the folders");
    }

    [TestMethod]
    public void ALinkToAFolderAboveLeadsNowhere()
    {
        var root = Tree("top/cats/1.png", "top/dogs/deep/1.png", "other/1.png");
        var top = Path.Combine(root, "top");
        Link(Path.Combine(top, "cats", "up"), top);
        Link(Path.Combine(top, "cats", "further"), root);
        Link(Path.Combine(top, "cats", "itself"), Path.Combine(top, "cats"));
        Link(Path.Combine(top, "dogs", "deep", "relative"), "..");

        CheckRows(top, "cats/1.png", "dogs/deep/1.png");

        Link(Path.Combine(top, "all"), top);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => _ml.Data.LoadImageFolder(top)).Message, "'all' (no files)");
    }

    [TestMethod]
    public void LinksToOtherFoldersAreFollowedEachFolderOnce()
    {
        var root = Tree("top/cats/1.png", "elsewhere/cats/2.png", "elsewhere/cats/deep/3.png", "elsewhere/dogs/1.png",
            "elsewhere/more/4.png");
        var (top, elsewhere) = (Path.Combine(root, "top"), Path.Combine(root, "elsewhere"));
        Link(Path.Combine(top, "cats", "a"), Path.Combine(elsewhere, "cats"));
        Link(Path.Combine(top, "cats", "b"), Path.Combine(elsewhere, "cats"));
        Link(Path.Combine(top, "cats", "c"), Path.Combine(elsewhere, "cats", "deep"));
        Link(Path.Combine(top, "cats", "d"), Path.Combine(root, "linked"));
        Link(Path.Combine(root, "linked"), Path.Combine(elsewhere, "more"));
        Link(Path.Combine(elsewhere, "more", "back"), Path.Combine(elsewhere, "cats")); // a circle that does not pass the root
        Link(Path.Combine(elsewhere, "cats", "forth"), Path.Combine(elsewhere, "more"));
        Link(Path.Combine(top, "dogs"), Path.Combine(elsewhere, "dogs"));

        CheckRows(top, "cats/1.png", "cats/a/2.png", "cats/a/deep/3.png", "cats/d/4.png", "dogs/1.png");
    }

    [TestMethod]
    public void ARootThatIsALinkIsReadAsTheFolderItself()
    {
        var root = Tree("top/cats/1.png", "top/dogs/1.png");
        Link(Path.Combine(root, "top", "cats", "up"), Path.Combine(root, "top"));
        Link(Path.Combine(root, "link"), Path.Combine(root, "top"));

        CheckRows(Path.Combine(root, "link"), "cats/1.png", "dogs/1.png");
    }

    private void CheckRows(string root, params string[] expected)
    {
        var view = _ml.Data.LoadImageFolder(root);
        CollectionAssert.AreEqual(expected, view.GetColumn<string>("ImagePath")
            .Select(path => Path.GetRelativePath(root, path).Replace('\\', '/')).ToArray());
        CollectionAssert.AreEqual(expected.Select(path => path.Split('/')[0]).ToArray(), view.GetColumn<string>("Label").ToArray());
    }

    private static string Tree(params string[] files)
    {
        var root = SmallPictures.NewFolder();
        foreach (var file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, file))!);
            File.WriteAllText(Path.Combine(root, file), "");
        }
        return root;
    }

    private static void Link(string path, string target)
    {
        try
        {
            Directory.CreateSymbolicLink(path, target);
        }
        catch (IOException e) when (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive($"Links need a right on Windows: {e.Message}");
        }
    }
}
