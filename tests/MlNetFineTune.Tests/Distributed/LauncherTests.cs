using MlNetFineTune.Distributed;

namespace MlNetFineTune.Tests.Distributed;

[TestClass]
public sealed class LauncherTests
{
    [TestMethod]
    [DataRow("OMPI_COMM_WORLD_SIZE=4", "Open MPI's mpirun", 4)]
    [DataRow("OMPI_COMM_WORLD_SIZE=4 SLURM_STEP_NUM_TASKS=2 PMIX_RANK=1", "Open MPI's mpirun", 4)]
    [DataRow("PMI_SIZE=3 PMI_RANK=0", "mpiexec (MPICH, Intel MPI or MS-MPI)", 3)]
    [DataRow("PMI_SIZE=3 SLURM_STEP_NUM_TASKS=3", "mpiexec (MPICH, Intel MPI or MS-MPI)", 3)]
    [DataRow("SLURM_STEP_NUM_TASKS=8 SLURM_NTASKS=8", "Slurm's srun", 8)]
    [DataRow("MV2_COMM_WORLD_SIZE=2", "MVAPICH's mpirun", 2)]
    [DataRow("OMPI_COMM_WORLD_SIZE=1", "Open MPI's mpirun", 1)]
    [DataRow("PMIX_RANK=0", "A launcher with PMI", null)]
    [DataRow("SLURM_NTASKS=8 SLURM_PROCID=0", null, null)] // a batch script, which srun has not started
    [DataRow("OMPI_COMM_WORLD_SIZE=many", null, null)]
    [DataRow("", null, null)]
    public void ALauncherIsKnownByItsVariables(string variables, string? name, int? size)
    {
        var values = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(one => one.Split('=')[0], one => one.Split('=')[1]);

        var launcher = Launcher.Find(values.GetValueOrDefault);

        Assert.AreEqual(name, launcher?.Name);
        Assert.AreEqual(size, launcher?.Size);
    }

    [TestMethod]
    public void TheCoresAreDividedAmongThoseThatShareThem()
    {
        Assert.AreEqual(4, new Placement(0, 2).ThreadsFor(8));
        Assert.AreEqual(2, new Placement(1, 3).ThreadsFor(8));
        Assert.AreEqual(1, new Placement(1, 16).ThreadsFor(8));
    }

    [TestMethod]
    public void TheOptionsAreCheckedAndTheirDefaultsStay()
    {
        var options = new MpiOptions();
        Assert.AreEqual(TimeSpan.FromMinutes(10), options.Timeout);
        Assert.IsNull(options.Threads);
        Assert.IsNull(options.Library);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => options with { Timeout = TimeSpan.Zero });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => options with { Timeout = Timeout.InfiniteTimeSpan });
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => options with { Threads = 0 });
        Assert.ThrowsExactly<ArgumentException>(() => options with { Library = " " });
    }

    [TestMethod]
    public void AProcessAloneIsTheFirstOfItsMachine()
    {
        Assert.AreEqual(0, ProcessGroup.Single.LocalRank);
        Assert.AreSame(ProcessGroup.Single, ProcessGroup.Mpi());
        Assert.ThrowsExactly<ArgumentNullException>(() => MpiProcessGroup.get_LocalRank(null!));
    }
}
