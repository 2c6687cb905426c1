using System.Diagnostics;
using System.Globalization;

namespace MlNetFineTune.Benchmarks;

/// <summary>CPU time of this process and of those that it started and waited for, in its own code and in the kernel.</summary>
/// <param name="User">Seconds in code of the program.</param>
/// <param name="System">Seconds in the kernel: page faults, files, threads.</param>
internal readonly record struct ProcessTimes(double User, double System)
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on all architectures of Linux that .NET supports

    public double Cpu => User + System;

    /// <summary>Share of the CPU time that was spent in the kernel, 0 to 1.</summary>
    public double SystemShare => Cpu > 0 ? System / Cpu : 0;

    public static ProcessTimes Now()
    {
        using var process = Process.GetCurrentProcess();
        var own = new ProcessTimes(process.UserProcessorTime.TotalSeconds, process.PrivilegedProcessorTime.TotalSeconds);
        if (!OperatingSystem.IsLinux())
            return own;
        // proc(5), stat: fields 16 and 17 are those of children that have ended. The second field may contain spaces.
        var text = File.ReadAllText("/proc/self/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return new(own.User + Seconds(fields[13]), own.System + Seconds(fields[14]));
    }

    public static ProcessTimes operator -(ProcessTimes left, ProcessTimes right) =>
        new(left.User - right.User, left.System - right.System);

    public static ProcessTimes operator +(ProcessTimes left, ProcessTimes right) =>
        new(left.User + right.User, left.System + right.System);

    private static double Seconds(string ticks) => long.Parse(ticks, CultureInfo.InvariantCulture) / TicksPerSecond;
}
