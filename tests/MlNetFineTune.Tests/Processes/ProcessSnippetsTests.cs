using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Processes;

/// <summary>The snippets of docs/processes.md that need no MPI: they are compiled here, run here, and are the same there.</summary>
[TestClass]
public sealed class ProcessSnippetsTests
{
    private readonly Backbone backbone = SmallTraining.Backbone;
    private readonly ProcessGroup processes = ProcessGroup.Single;
    private readonly string folder = SmallPictures.NewFolder();

    [TestMethod]
    public void Options()
    {
        // begin
        var options = new ImageFineTuningOptions { Backbone = backbone, Processes = processes, BatchSize = 64 };
        // end
        Assert.AreSame(ProcessGroup.Single, options.Processes);
        Snippets.VerifyDocumented("Processes/ProcessSnippetsTests.cs", nameof(Options), "processes.md");
    }

    [TestMethod]
    public void Resume()
    {
        // begin
        var options = new ImageFineTuningOptions
        {
            Backbone = backbone,
            Processes = processes,
            Checkpoint = TrainingCheckpoint.EveryEpochs(folder),
        };
        // end
        using var model = SmallTraining.Fit(new MLContext(), options with { Epochs = 1 }, SmallPictures.Take(5));
        Assert.HasCount(1, Directory.GetFiles(folder, "*.safetensors"));
        Snippets.VerifyDocumented("Processes/ProcessSnippetsTests.cs", nameof(Resume), "processes.md");
    }
}
