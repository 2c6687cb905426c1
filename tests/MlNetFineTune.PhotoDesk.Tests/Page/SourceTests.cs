using System.Text.RegularExpressions;

namespace MlNetFineTune.PhotoDesk.Tests.Page;

/// <summary>What the page's files promise by their text alone.</summary>
[TestClass]
public sealed partial class SourceTests
{
    [TestMethod]
    public void NoFileOfThePageMakesMarkupOfDataOrNamesAnotherPlace()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "wwwroot"), "*", SearchOption.AllDirectories);
        Assert.IsGreaterThan(10, files.Length);
        foreach (var file in files)
        {
            var text = File.ReadAllText(file).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal); // a name, never fetched
            Assert.AreEqual("", Forbidden().Match(text).Value, file);
        }
    }

    [GeneratedRegex(
        """innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle=|\son[a-z]+=|https?://|url\(""")]
    private static partial Regex Forbidden();
}
