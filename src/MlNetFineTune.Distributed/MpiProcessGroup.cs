using MlNetFineTune.Distributed;

namespace MlNetFineTune;

/// <summary>
/// Groups of processes over MPI: <c>options with { Processes = ProcessGroup.Mpi() }</c>, started by
/// <c>mpirun -np 4 dotnet app.dll</c>. A language without static extension members (F#, C# 13) calls <c>MpiProcessGroup.Mpi()</c>.
/// </summary>
public static class MpiProcessGroup
{
    extension(ProcessGroup)
    {
        /// <summary>
        /// The processes that an MPI launcher (<c>mpirun</c>, <c>mpiexec</c>, <c>srun</c>) has started. Without a launcher, or with one
        /// process, it is <see cref="ProcessGroup.Single"/>, no MPI library is loaded, and the same program runs unchanged.
        /// </summary>
        /// <remarks>
        /// <format type="text/markdown"><![CDATA[
        /// The first call initialises MPI, later ones return the same group. MPI is finalised when the process ends, after all
        /// others have reached their end too. One thread at a time may use the group: train one model after the other.
        ///
        /// A process that throws an exception in a training, or ends with an unhandled one, ends all: those that wait for it throw
        /// `ProcessGroupException` with its message; the exit codes are not 0. A process that is killed is noticed by the launcher, which
        /// ends the others (srun only with `--kill-on-bad-exit=1`); one that hangs by those that wait for it, after `MpiOptions.Timeout`.
        /// The newest checkpoint remains.
        ///
        /// Tensors on GPUs are summed by NCCL where all processes have it, and else copied to the host for a sum, and back.
        /// ]]></format>
        /// </remarks>
        /// <param name="options">Settings. Default null: those of <c>new MpiOptions()</c>. Later calls have no or equal options.</param>
        /// <exception cref="InvalidOperationException">
        /// A launcher has started several processes, and no MPI library loads, or it is not that of the launcher, so that each process
        /// would train alone. Or an earlier call had other options. Or a process of the group has started this one, which would take its
        /// place.
        /// </exception>
        /// <exception cref="ProcessGroupException">Another process has ended or does not answer.</exception>
        public static ProcessGroup Mpi(MpiOptions? options = null) => MpiStart.Group(options);
    }

    extension(ProcessGroup group)
    {
        /// <summary>
        /// Number of this process among those of its machine, from 0: the GPU to use where each process has one,
        /// <c>new MLContext { GpuDeviceId = group.LocalRank }</c>. 0 in a group of one. F# and C# 13 call
        /// <c>MpiProcessGroup.get_LocalRank(group)</c>.
        /// </summary>
        public int LocalRank
        {
            get
            {
                ArgumentNullException.ThrowIfNull(group);
                return group is MpiGroup several ? several.Placement.LocalRank : 0;
            }
        }
    }
}
