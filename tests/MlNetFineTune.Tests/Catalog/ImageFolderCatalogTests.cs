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
        foreach (var file in (string[])["b/2.jpg", "b/10.PNG", "b/deep/er/1.webp", "a/Z.bmp", "a/a.gif", "a/notes.txt", "a/thumbs.db", "a/x.jpg.bak", "c/readme.md", "loose.jpg", "a/._Z.bmp", "a/.cache/1.jpg", ".checkpoints/1.jpg"])
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
}
