using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Distributed;

/// <summary>Groups over a real MPI library: the operations, and the end of all processes when one fails.</summary>
[TestClass]
public sealed class MpiTests
{
    private const string Program = "MlNetFineTune.Ranks";

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    [DataRow(4)]
    public void EveryOperationIsThatOfOneProcessAloneWithTheSameBitsInAll(int size)
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(size, Program, ["collectives", "300"]);

        Assert.AreEqual(0, run.Wait(), run.Error);
        for (var rank = 0; rank < size; rank++)
            Assert.Contains($"rank {rank} of {size} is done", run.Output);
    }

    [TestMethod]
    public void WithoutALauncherTheProgramRunsAlone()
    {
        using var run = MpiRun.StartAlone(Program, ["collectives", "300"], ("MLNETFINETUNE_MPI_LIBRARY", "/no/such/libmpi.so"));

        Assert.AreEqual(0, run.Wait(), run.Error);
        Assert.Contains("rank 0 of 1 is done", run.Output);
    }

    [TestMethod]
    public void DataBeyondTheSizeOfAMessageArriveWhole()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(2, Program, ["large", "300"]);

        Assert.AreEqual(0, run.Wait(), run.Error);
    }

    [TestMethod]
    public void MpichsInterfaceIsSpokenToo()
    {
        RequireMpichOrSkip();
        using var run = MpiRun.Start(3, Program, ["collectives", "300"], MpiRun.Mpich);

        Assert.AreEqual(0, run.Wait(), run.Error);
        Assert.Contains("rank 2 of 3 is done", run.Output);
    }

    [TestMethod]
    [DataRow("throws", "The picture of row 7 cannot be read.")]
    [DataRow("stopped", "for rank 1, which last came to the sum of 5 numbers (operation 10, step 3)")]
    public void AProcessThatFailsEndsAllInMpichToo(string fault, string message)
    {
        RequireMpichOrSkip();
        using var run = MpiRun.Start(3, Program, [fault, "300"], MpiRun.Mpich);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains(message, run.Error);
    }

    [TestMethod]
    [DataRow("killed", "", DisplayName = "killed: the launcher says it")]
    [DataRow("throws", "Rank 1 of 3 ends all processes (step 4): InvalidDataException: The picture of row 7 cannot be read.")]
    [DataRow("throws-between-sums", "The picture of row 7 cannot be read.")]
    [DataRow("in-a-thread", "A worker has failed.")]
    [DataRow("unhandled", "A program has failed.")]
    [DataRow("null", "A null reference was caught.")]
    [DataRow("lengths", "the sum of 5 numbers (operation 11, step 4)", "the sum of 6 numbers (operation 11, step 4)")]
    [DataRow("long-lengths", "the sum of 5 numbers (operation 11, step 4)", "the sum of 6000 numbers (operation 11, step 4)")]
    [DataRow("another", "the sum of 5 numbers (operation 11, step 4)", "a gather of 3 bytes (operation 11, step 4)")]
    [DataRow("threads", "Train one model after the other.")]
    [DataRow("failed-work", "Rank 0 of 3 has come to the sum of 1 numbers", "The picture of row 7 cannot be read.")]
    public void AProcessThatFailsEndsAll(string fault, params string[] messages)
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, [fault, "3000"]); // nothing waits for the timeout

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        foreach (var message in messages)
            Assert.Contains(message, run.Error);
        Assert.DoesNotContain("is done", run.Output);
    }

    [TestMethod]
    [DataRow("stopped", DisplayName = "stopped by SIGSTOP")]
    [DataRow("hangs")]
    public void AProcessThatHangsEndsAllWithinTheTimeout(string fault)
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, [fault, "300"]);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains(
            "in the sum of 5 numbers (operation 11, step 4) for rank 1, which last came to the sum of 5 numbers (operation 10, step 3)",
            run.Error);
    }

    [TestMethod]
    public void AFunctionOfTheLibraryThatDoesNotReturnEndsAll()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, ["comes-late", "5"]);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains("MPI_Init_thread of Open MPI", run.Error);
        Assert.Contains("has not returned for 5 s", run.Error);
    }

    [TestMethod]
    public void ThoseThatWaitForAFailedProcessCanCatchItAndStillTheExitCodeTells()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, ["caught", "300"]);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains("The picture of row 7 cannot be read.", run.Error);
        Assert.Contains("rank 0 caught: Rank 0 of 3 has come to the sum of 5 numbers", run.Output);
        Assert.Contains("rank 2 caught: Rank 2 of 3 has come to the sum of 5 numbers", run.Output);
    }

    [TestMethod]
    public void AProcessThatLeavesWhileOthersGoOnEndsAll()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, ["leaves", "300"]);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains("the end of its program", run.Error);
    }

    [TestMethod]
    public void AProcessThatIsDoneWaitsAtItsEndForThoseThatWorkOnLongerThanTheTimeout()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, ["leave-late", "300"]);

        Assert.AreEqual(0, run.Wait(), run.Error);
        for (var rank = 0; rank < 3; rank++)
            Assert.Contains($"rank {rank} of 3 is done", run.Output);
    }

    [TestMethod]
    public void WorkThatTakesOneProcessLongerThanTheTimeoutIsWaitedFor()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, ["long-work", "300"]);

        Assert.AreEqual(0, run.Wait(), run.Error);
        for (var rank = 0; rank < 3; rank++)
            Assert.Contains($"rank {rank} of 3 is done", run.Output);
    }

    [TestMethod]
    public void AProcessThatHangsInTheFinalisationEndsAll()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(3, Program, ["ends-halfway", "300"]);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains("MPI_Finalize of Open MPI", run.Error);
        Assert.Contains("has not returned for 10 s", run.Error);
    }

    [TestMethod]
    public void AProcessThatOneOfTheGroupStartsDoesNotTakeItsPlace()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(2, Program, ["parent", "300"]);

        Assert.AreEqual(0, run.Wait(), run.Error);
        Assert.Contains("has inherited its place in the group (OMPI_COMM_WORLD_SIZE is set)", run.Error);
        for (var rank = 0; rank < 2; rank++)
            StringAssert.Matches(run.Output, new($"the child of rank {rank} ended with [1-9]"));
    }

    [TestMethod]
    [DataRow(Signals.Terminate, DisplayName = "SIGTERM")]
    [DataRow(Signals.Interrupt, DisplayName = "SIGINT, as Ctrl-C")]
    [DataRow(Signals.Kill, DisplayName = "SIGKILL")]
    public void AnEndedLauncherLeavesNoProcessBehind(int signal)
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(2, Program, ["hangs", "300"]);
        Assert.IsTrue(SpinWait.SpinUntil(() => run.Ranks.Count == 2, Patience.Limit), run.Error);
        Thread.Sleep(3000); // at any moment of their start or after it

        Signals.Send(run.Process.Id, signal);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
    }

    [TestMethod]
    public void WithoutALibraryNothingIsTrained()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(2, Program, ["collectives", "300"], null, ("MLNETFINETUNE_MPI_LIBRARY", "/no/such/libmpi.so"));

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains(
            "Open MPI's mpirun has started 2 processes (OMPI_COMM_WORLD_SIZE is set), but no MPI library for it was loaded", run.Error);
        Assert.Contains("Tried: /no/such/libmpi.so.", run.Error);
        Assert.Contains("'/no/such/libmpi.so' does not load: ", run.Error);
        Assert.Contains("No such file or directory", run.Error);
        Assert.DoesNotContain("is done", run.Output);
    }

    [TestMethod]
    public void ALibraryThatSeesOneProcessWhereSeveralWereStartedIsRefused()
    {
        MpiRun.RequireOrSkip();
        // As srun --mpi=none does, or with the library of another implementation.
        using var run = MpiRun.StartAlone(Program, ["collectives", "300"], ("SLURM_STEP_NUM_TASKS", "3"));

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains("Slurm's srun has started 3 processes (SLURM_STEP_NUM_TASKS is 3), but the MPI library counts 1", run.Error);
        Assert.DoesNotContain("is done", run.Output);
    }

    [TestMethod]
    public void ALibraryThatTheUserHasChosenIsTriedWhateverTheLauncher()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.StartAlone(
            Program, ["collectives", "300"], ("PMI_SIZE", "3"), ("MLNETFINETUNE_MPI_LIBRARY", MpiRun.OpenMpiLibrary));

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains("has started 3 processes (PMI_SIZE is 3), but the MPI library counts 1", run.Error);
    }

    [TestMethod]
    public void ProcessesOfOneMachineHaveEachTheirNumberAndShareTheCores()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(2, Program, ["placement", "300"], null, ("OMP_NUM_THREADS", null));

        Assert.AreEqual(0, run.Wait(), run.Error);
        var threads = Math.Max(1, Environment.ProcessorCount / 2);
        for (var rank = 0; rank < 2; rank++)
        {
            Assert.Contains(
                $"rank {rank} is {rank} of its machine and has {threads} threads and {Math.Min(threads, 16)} workers", run.Output);
        }
    }

    [TestMethod]
    public void TheThreadsThatTheUserHasChosenStay()
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(2, Program, ["placement", "300"], null, ("OMP_NUM_THREADS", "2"));

        Assert.AreEqual(0, run.Wait(), run.Error);
        Assert.Contains("rank 1 is 1 of its machine and has 2 threads", run.Output);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void MpiIsInitialisedOnceAndOtherOptionsAreRefused(int size)
    {
        MpiRun.RequireOrSkip();
        using var run = MpiRun.Start(size, Program, ["once", "300"]);

        Assert.AreEqual(0, run.Wait(), run.Error);
        Assert.Contains("MPI is initialised once", run.Output);
    }

    private static void RequireMpichOrSkip()
    {
        if (MpiRun.Mpich is null)
            Assert.Inconclusive("MPICH is not installed: apt-get install mpich.");
    }
}
