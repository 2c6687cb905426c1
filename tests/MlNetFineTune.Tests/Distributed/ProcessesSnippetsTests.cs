using Microsoft.ML;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Distributed;

/// <summary>The snippets of docs/processes.md about MPI: they are compiled here, and are the same there, line by line.</summary>
[TestClass]
public sealed class ProcessesSnippetsTests
{
    private readonly Backbone backbone = SmallTraining.Backbone;

    [TestMethod]
    public void Options()
    {
        // begin
        var processes = ProcessGroup.Mpi();
        var options = new ImageFineTuningOptions { Backbone = backbone, Processes = processes };
        // end
        Assert.AreSame(ProcessGroup.Single, options.Processes);
        Snippets.VerifyDocumented("Distributed/ProcessesSnippetsTests.cs", nameof(Options), "processes.md");
    }

    [TestMethod]
    public void Gpu()
    {
        var processes = ProcessGroup.Mpi();
        // begin
        var ml = new MLContext(seed: 1) { GpuDeviceId = processes.LocalRank };
        // end
        Assert.AreEqual(0, ml.GpuDeviceId);
        Snippets.VerifyDocumented("Distributed/ProcessesSnippetsTests.cs", nameof(Gpu), "processes.md");
    }
}
