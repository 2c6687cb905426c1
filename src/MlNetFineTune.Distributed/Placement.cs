using System.Globalization;
using System.Text;
using MlNetFineTune.MlNet;
using TorchSharp;

namespace MlNetFineTune.Distributed;

/// <summary>Where a process of the group runs.</summary>
/// <param name="LocalRank">Its number among those of its machine.</param>
/// <param name="CoreSharers">The processes, this one included, that the launcher lets run on the same cores.</param>
internal sealed record Placement(int LocalRank, int CoreSharers)
{
    private static readonly string[] s_threadVariables = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"];

    public static Placement Unknown { get; } = new(0, 1);

    /// <summary>Compares machine and allowed cores of all processes. Collective.</summary>
    public static Placement Of(ProcessGroup group)
    {
        var all = group.Gather(Encoding.UTF8.GetBytes($"{Machine()}\n{AllowedCores()}"))
            .Select(bytes => Encoding.UTF8.GetString(bytes).Split('\n')).ToList();
        var own = all[group.Rank];
        return new(all.Take(group.Rank).Count(other => other[0] == own[0]), all.Count(other => other.SequenceEqual(own)));
    }

    /// <summary>Divides the cores among the processes that share them, unless the user has decided.</summary>
    public void SetThreads(int? chosen)
    {
        if (chosen is null && s_threadVariables.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 }))
            return;
        TorchRuntime.EnsureLoaded();
        torch.set_num_threads(chosen ?? ThreadsFor(Environment.ProcessorCount));
    }

    /// <param name="cores">Cores that this process may use.</param>
    public int ThreadsFor(int cores) => Math.Max(1, cores / CoreSharers);

    /// <summary>
    /// What no other machine has. .NET cuts the name at its first point, so that machines of two domains may have the same; the number that
    /// Linux draws when it starts tells them apart. It is the same in all containers of a machine, whose names differ: they count as
    /// machines, because each has its own GPUs.
    /// </summary>
    public static string Machine()
    {
        try
        {
            return OperatingSystem.IsLinux()
                ? $"{Environment.MachineName} {File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}" : Environment.MachineName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.MachineName;
        }
    }

    // Open MPI binds each of two ranks to a core of its own, and more to a socket together: not all processes of a machine share cores.
    private static string AllowedCores()
    {
        const string Name = "Cpus_allowed_list:";
        var count = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture);
        try
        {
            if (!OperatingSystem.IsLinux())
                return count;
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
            return line is null ? count : line[Name.Length..].Trim();
        }
        catch (IOException)
        {
            return count;
        }
    }
}
