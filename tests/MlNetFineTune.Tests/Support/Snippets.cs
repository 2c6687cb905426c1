namespace MlNetFineTune.Tests.Support;

/// <summary>Code of the documents that a test compiles and runs, between the lines <c>// begin</c> and <c>// end</c>.</summary>
internal static class Snippets
{
    /// <param name="source">The file of the test, below <c>tests/MlNetFineTune.Tests</c>.</param>
    /// <param name="method">Name of the test.</param>
    /// <param name="document">The file that shows the code, below <c>docs</c>.</param>
    public static void VerifyDocumented(string source, string method, string document)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", source)).ReplaceLineEndings("\n");
        var body = text[text.IndexOf($"public void {method}()", StringComparison.Ordinal)..].Split("        // begin\n")[1]
            .Split("        // end\n")[0];
        var snippet = string.Concat(body.Split('\n').Select(line => line.Length > 8 ? line[8..] + "\n" : ""));
        var documentation = File.ReadAllText(Path.Combine(Repository.Root, "docs", document)).ReplaceLineEndings("\n");
        Assert.IsTrue(
            documentation.Contains($"```csharp\n{snippet}```", StringComparison.Ordinal), $"docs/{document} should have:\n{snippet}");
    }
}
