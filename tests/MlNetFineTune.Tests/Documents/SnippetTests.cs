using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Documents;

/// <summary>Every block of C# in README.md and docs is code of a project that is compiled.</summary>
[TestClass]
public sealed class SnippetTests
{
    [TestMethod]
    public void EveryBlockIsCodeOfAProject()
    {
        var sources = CompiledSources.OfSolution();
        var blocks = Pages.All.SelectMany(
            page => Pages.CodeOf(Pages.Read(page)), (page, block) => (Page: page, block.Line, block.Code)).ToList();

        var missing = blocks.Where(block => !sources.Have(block.Code))
            .Select(block => $"{block.Page}:{block.Line}:\n{block.Code}").ToList();

        Assert.IsNotEmpty(blocks);
        Assert.IsEmpty(missing, $"No project has this code. Quote a sample or a test, or write it in tests/MlNetFineTune.Documents, "
            + $"and the same in the page:\n{string.Join('\n', missing)}");
    }

    [TestMethod]
    public void ABlockIsFoundOnlyAsAWholeAndInOneProject()
    {
        string[] one = ["class A", "{", "var a = 1;", "var b = 2;", "", "var c = 3;", "}"], other = ["var d = 4;"];
        var sources = new CompiledSources([[one], [other]]);

        Assert.IsTrue(sources.Have("var a = 1;\nvar b = 2;\n"));
        Assert.IsTrue(sources.Have("    var a = 1;\n    var b = 2;\n\n    var c = 3;\n"), "two paragraphs, indented");
        Assert.IsFalse(sources.Have("var a = 1;\nvar c = 3;\n"), "a line between is left out");
        Assert.IsFalse(sources.Have("var a = 1;\nvar b = 3;\n"), "another number");
        Assert.IsFalse(sources.Have("var a = 1;\nvar b = 2;\n\nvar d = 4;\n"), "of two projects");
        Assert.IsFalse(sources.Have("var c = 3;\n}\nvar e = 5;\n"), "beyond the end of the file");
    }
}
