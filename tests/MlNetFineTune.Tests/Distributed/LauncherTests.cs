using System.Diagnostics;
using MlNetFineTune.Distributed;
using MlNetFineTune.Tests.Support;

namespace MlNetFineTune.Tests.Distributed;

[TestClass]
public sealed class LauncherTests
{
    [TestMethod]
    [DataRow("OMPI_COMM_WORLD_SIZE=4", "Open MPI's mpirun", 4)]
    [DataRow("OMPI_COMM_WORLD_SIZE=4 SLURM_STEP_NUM_TASKS=2 PMIX_RANK=1", "Open MPI's mpirun", 4)]
    [DataRow("PMI_SIZE=3 PMI_RANK=0", "mpiexec (MPICH, Intel MPI or MS-MPI)", 3)]
    [DataRow("PMI_SIZE=3 SLURM_STEP_NUM_TASKS=2", "mpiexec (MPICH, Intel MPI or MS-MPI)", 3)]
    [DataRow("SLURM_STEP_NUM_TASKS=8 SLURM_NTASKS=8", "Slurm's srun", 8)]
    [DataRow("MV2_COMM_WORLD_SIZE=2", "MVAPICH's mpirun", 2)]
    [DataRow("OMPI_COMM_WORLD_SIZE=1", "Open MPI's mpirun", 1)]
    [DataRow("PMIX_RANK=0", "A launcher with PMI", null)]
    [DataRow("SLURM_NTASKS=8 SLURM_PROCID=0", null, null)] // a batch script, which srun has not started
    [DataRow("OMPI_COMM_WORLD_SIZE=many", null, null)]
    [DataRow("", null, null)]
    public void ALauncherIsKnownByItsVariables(string variables, string? name, int? size)
    {
        var launcher = Launcher.Find(Values(variables).GetValueOrDefault);

        Assert.AreEqual(name, launcher?.Name);
        Assert.AreEqual(size, launcher?.Size);
    }

    [TestMethod]
    [DataRow("PMI_SIZE=3", false, false)]
    [DataRow("PMI_SIZE=3 SLURM_STEP_NUM_TASKS=3", true, true)] // srun --mpi=pmi2, or MPICH's mpiexec inside a Slurm job
    [DataRow("SLURM_STEP_NUM_TASKS=3", true, false)]
    [DataRow("OMPI_COMM_WORLD_SIZE=3 SLURM_STEP_NUM_TASKS=3", false, false)]
    public void SlurmStartsLibrariesOfEitherFamily(string variables, bool any, bool mpichFirst)
    {
        var launcher = Launcher.Find(Values(variables).GetValueOrDefault)!;

        Assert.AreEqual(any, launcher.Family is null);
        Assert.AreEqual(mpichFirst, launcher.MpichFirst);
    }

    [TestMethod]
    public void TheNamesOfTheLikelierLibraryComeFirst()
    {
        string[] mpich = MpiLibraryNames.For(MpiFamily.Mpich), openMpi = MpiLibraryNames.For(MpiFamily.OpenMpi);
        Assert.AreEqual(mpich[0], MpiLibraryNames.For(null, mpichFirst: true)[0]);
        Assert.AreEqual(openMpi.FirstOrDefault(mpich[0]), MpiLibraryNames.For(null)[0]);
        CollectionAssert.AreEquivalent(MpiLibraryNames.For(null), MpiLibraryNames.For(null, mpichFirst: true));
    }

    [TestMethod]
    [DataRow("PMIX_NAMESPACE=7", "PMIX_NAMESPACE=7", 12, false, DisplayName = "the process itself")]
    [DataRow("PMIX_NAMESPACE=7", "PMIX_NAMESPACE=7", 13, true, DisplayName = "its child")]
    [DataRow("", "", 13, true, DisplayName = "its child, of a launcher that names no job")]
    [DataRow("PMIX_NAMESPACE=7", "PMIX_NAMESPACE=8", 13, false, DisplayName = "of a launcher that it has started")]
    [DataRow("SLURM_JOB_ID=7 SLURM_STEP_ID=0", "SLURM_JOB_ID=7 SLURM_STEP_ID=1", 13, false, DisplayName = "of another step of a job")]
    [DataRow("SLURM_JOB_ID=7 SLURM_STEP_ID=0", "SLURM_JOB_ID=7 SLURM_STEP_ID=0", 13, true, DisplayName = "of the same step")]
    public void AChildOfAProcessOfTheGroupIsRefused(string parent, string own, int process, bool refused)
    {
        var launcher = Launcher.Find(Values("OMPI_COMM_WORLD_SIZE=2").GetValueOrDefault)!;
        ChildProcess.Refuse(Values(own).GetValueOrDefault, process, launcher); // nobody has started it
        var inherited = Values(own);
        inherited[ChildProcess.Variable] = ChildProcess.Mark(Values(parent).GetValueOrDefault, 12);

        void Check() => ChildProcess.Refuse(inherited.GetValueOrDefault, process, launcher);

        if (refused)
            Assert.Contains("Process 13 was started by process 12", Assert.ThrowsExactly<InvalidOperationException>(Check).Message);
        else
            Check();
    }

    [TestMethod]
    public void AFunctionIsTimedFromTheFirstSampleThatSeesIt()
    {
        var time = new CallTime(TimeSpan.FromSeconds(1));
        Assert.AreEqual(0, time.Sample(null, 5).TotalSeconds);
        Assert.AreEqual(0, time.Sample("MPI_Test", 5).TotalSeconds, "it may have begun just now");
        Assert.AreEqual(1, time.Sample("MPI_Test", 5).TotalSeconds);
        Assert.AreEqual(2, time.Sample("MPI_Test", 5).TotalSeconds);
        Assert.AreEqual(0, time.Sample("MPI_Test", 6).TotalSeconds, "another call");
        Assert.AreEqual(1, time.Sample("MPI_Test", 6).TotalSeconds);
        Assert.AreEqual(0, time.Sample(null, 7).TotalSeconds);
    }

    [TestMethod]
    public void AProcessThatAwaitsOthersSleeps()
    {
        var clock = new WaitClock();
        while (clock.Waited < TimeSpan.FromMilliseconds(100))
            clock.Pause();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < 50; i++)
            clock.Pause();
        Assert.IsGreaterThan(45, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    [TestMethod]
    public void MachinesOfOneNameAreToldApart()
    {
        var machine = Placement.Machine();
        Assert.Contains(Environment.MachineName, machine);
        if (OperatingSystem.IsLinux())
            Assert.Contains(File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim(), machine);
    }

    [TestMethod]
    public void AnMpirunOfAnotherImplementationIsNotOpenMpis()
    {
        string? Version(string path) => path switch
        {
            "/a/mpirun" or "/b/mpirun.openmpi" => "HYDRA build details:\n    Version: 4.0.2",
            "/b/mpirun" => "mpirun (Open MPI) 5.0.3\n\nReport bugs to https://www.open-mpi.org/community/help/",
            _ => null,
        };
        Assert.AreEqual("/b/mpirun", MpiRun.FindOpenMpi(["/a", "/b"], Version));
        Assert.IsNull(MpiRun.FindOpenMpi(["/a"], Version));
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
        Assert.IsTrue(options.UseNccl);
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

    private static Dictionary<string, string> Values(string variables) => variables.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .ToDictionary(one => one.Split('=')[0], one => one.Split('=')[1]);
}
