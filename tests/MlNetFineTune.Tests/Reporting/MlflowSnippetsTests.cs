using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Reporting;

/// <summary>The MLflow snippet of docs/watching.md: it is compiled here, and is the same there, line by line.</summary>
[TestClass]
public sealed class MlflowSnippetsTests
{
    private readonly Backbone backbone = SmallTraining.Backbone;

    [TestMethod]
    public void Track()
    {
        const string token = "secret";
        // begin
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            RunFolder = "runs/1",
            Mlflow = new MlflowTracking(new Uri("https://mlflow.example"), "surfaces") { RunName = "first try" }.WithToken(token),
        };
        // end
        Assert.AreEqual("first try", options.Mlflow.RunName, "A token does not replace what was set before.");
        Snippets.VerifyDocumented("Reporting/MlflowSnippetsTests.cs", nameof(Track), "watching.md");
    }
}
