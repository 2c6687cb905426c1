using System.Globalization;

namespace MlNetFineTune.Tests.Primitives;

[TestClass]
public sealed class ShownTests
{
    [TestMethod]
    [DataRow("layer1.0.conv1.weight", "layer1.0.conv1.weight")]
    [DataRow(@"C:\photos\Zoë's 猫 🐈.jpg", @"C:\photos\Zoë's 猫 🐈.jpg", DisplayName = "what people write")]
    [DataRow("", "")]
    [DataRow(null, "")]
    [DataRow("a\u001b[31mb", @"a\u001b[31mb", DisplayName = "the escape of terminals")]
    [DataRow("a\nb\r\n\tc\0", @"a\nb\r\n\tc\u0000", DisplayName = "lines")]
    [DataRow("a\u0085\u2028\u2029b", @"a\u0085\u2028\u2029b", DisplayName = "lines of Unicode")]
    [DataRow("gpj\u202eexe.\u200b", @"gpj\u202eexe.\u200b", DisplayName = "turned around, and of no width")]
    [DataRow("\udb40\udc41x", @"\udb40\udc41x", DisplayName = "an invisible tag beyond the first plane")]
    public void TextOfOthersIsShownInOneLineOfPrintableCharacters(string? text, string expected)
    {
        Assert.AreEqual(expected, SafeText.Of(text));
        Assert.AreEqual($"'{expected}'", SafeText.Quoted(text));
    }

    // Not a DataRow: the runner's own report cannot hold half of a pair.
    [TestMethod]
    public void HalfOfAPairIsEscaped() => Assert.AreEqual(@"a\ud83db", SafeText.Of("a\ud83db"));

    [TestMethod]
    public void LongTextIsCutAndItsLengthSaid()
    {
        Assert.AreEqual(new string('x', 100), SafeText.Of(new string('x', 100)));
        Assert.AreEqual(new string('x', 100) + "... (101 characters)", SafeText.Of(new string('x', 101)));
        Assert.AreEqual("xx... (1048578 characters)", SafeText.Of("xx" + new string('\u001b', 1 << 20), limit: 7));
        Assert.AreEqual("xxx... (5 characters)", SafeText.Of("xxx🐈", limit: 4), "a pair is not cut in two");
    }

    [TestMethod]
    public void AShapeOfManyDimensionsIsCut()
    {
        Assert.AreEqual("[]", SafeText.Shape([]));
        Assert.AreEqual("[64, 3, 7, 7]", SafeText.Shape([64, 3, 7, 7]));
        Assert.AreEqual("[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, ... (100000 dimensions)]",
            SafeText.Shape([.. Enumerable.Repeat(1L, 100_000)]));
    }

    [TestMethod]
    public void OfManyNamesTheFirstAreSaidAndHowManyMoreThereAre()
    {
        string[] many = [.. Enumerable.Range(0, 23).Select(index => $"n{index}")];

        Assert.AreEqual("none", SafeText.Several([]));
        Assert.AreEqual(@"a, b\n", SafeText.Several(["a", "b\n"]));
        Assert.AreEqual("'a', 'b'", SafeText.Several(["a", "b"], quoted: true));
        Assert.AreEqual(string.Join(", ", many[..20]), SafeText.Several(many[..20]));
        Assert.AreEqual(string.Join(", ", many[..20]) + " and 3 more", SafeText.Several(many));
    }

    [TestMethod]
    public void AMessageOfAnotherLibraryIsOneLine() =>
        Assert.AreEqual(@"first second \u001b", SafeText.Message(new InvalidOperationException("first\r\nsecond\n\u001b")));

    [TestMethod]
    public void NothingDependsOnTheCulture()
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo("ar-EG") { NumberFormat = { NegativeSign = "minus" } };
            Assert.AreEqual("[-1, 2000]", SafeText.Shape([-1, 2000]));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
