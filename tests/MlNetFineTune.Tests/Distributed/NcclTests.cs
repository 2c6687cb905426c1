using System.Diagnostics;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Distributed;

/// <summary>
/// Sums by NCCL, as far as a machine without GPUs allows: a library of the tests has its interface and that of the CUDA driver, and tensors
/// in the host's memory pass for those of a GPU.
/// </summary>
[TestClass]
public sealed class NcclTests
{
    private const string Program = "MlNetFineTune.Ranks";

    [TestMethod]
    [DataRow(2)]
    [DataRow(3)]
    public void EveryOperationIsThatOfOneProcessAlone(int size)
    {
        using var run = Start(size, fault: null);

        Assert.AreEqual(0, run.Wait(), run.Error);
        Assert.Contains($"rank {size - 1} of {size} is done", run.Output);
        Assert.DoesNotContain("through the host", run.Error);
    }

    [TestMethod]
    [DataRow("id", "ncclGetUniqueId: internal error")]
    [DataRow("init", "ncclCommInitRank: internal error")]
    public void WhereItDoesNotStartSumsGoThroughTheHost(string fault, string reason)
    {
        using var run = Start(2, fault);

        Assert.AreEqual(0, run.Wait(), run.Error);
        Assert.Contains($"Rank 0 of 2: sums of tensors on GPUs go through the host: {reason}.", run.Error);
    }

    [TestMethod]
    [DataRow("wrong", "NCCL computes a wrong sum")]
    [DataRow("later", "NCCL failed. ncclAllReduce: internal error")]
    public void AWrongSumAndAFailureLaterEndAll(string fault, string message)
    {
        using var run = Start(2, fault);

        Assert.AreNotEqual(0, run.Wait(), run.Output);
        Assert.Contains(message, run.Error);
    }

    [TestMethod]
    public void WhereItIsNotInstalledOrAProcessHasNoGpuSumsGoThroughTheHost()
    {
        MpiRun.RequireOrSkip();
        using var without = MpiRun.Start(2, Program, ["collectives", "300"], null, ("MLNETFINETUNE_TEST_NCCL", "all"));
        Assert.AreEqual(0, without.Wait(), without.Error);
        Assert.Contains("sums of tensors on GPUs go through the host: ", without.Error);

        using var mixed = Start(2, fault: null, gpus: "rank");
        Assert.AreEqual(0, mixed.Wait(), mixed.Error);
        Assert.Contains("sums of tensors on GPUs go through the host: rank 1 computes on the CPU.", mixed.Error);
    }

    private static MpiRun Start(int size, string? fault, string gpus = "all")
    {
        MpiRun.RequireOrSkip();
        return MpiRun.Start(size, Program, ["collectives", "300"], null,
            ("LD_LIBRARY_PATH", Libraries.Value), ("MLNETFINETUNE_TEST_NCCL", gpus), ("NCCL_FAKE_FAULT", fault));
    }

    private static Lazy<string> Libraries { get; } = new(() =>
    {
        var folder = SmallPictures.NewFolder();
        var library = Path.Combine(folder, "libnccl.so.2");
        var source = Path.Combine(Repository.Root, "tests", "MlNetFineTune.Tests", "Distributed", "nccl_fake.c");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", ["-O1", "-shared", "-fPIC", "-o", library, source]))!;
            compiler.WaitForExit();
            Assert.AreEqual(0, compiler.ExitCode);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("There is no C compiler for the library that stands in for NCCL: apt-get install gcc libc6-dev.");
        }
        File.CreateSymbolicLink(Path.Combine(folder, "libcuda.so.1"), library);
        return folder;
    });
}
