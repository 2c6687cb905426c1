using System.Diagnostics;

namespace MlNetFineTune.Tests.Support;

internal static class Signals
{
    public const int Interrupt = 2, Kill = 9, Terminate = 15, Stop = 19; // Linux

    /// <summary>Sends a signal to a process that exists.</summary>
    public static void Send(int process, int signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
        kill.WaitForExit();
        Assert.AreEqual(0, kill.ExitCode);
    }
}
