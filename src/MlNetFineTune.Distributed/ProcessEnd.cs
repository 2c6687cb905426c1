using System.Diagnostics;

namespace MlNetFineTune.Distributed;

/// <summary>
/// The end of this process: MPI is finalised when all programs have come to theirs; otherwise all processes end with an exit code other
/// than 0. A signal such as SIGTERM ends a .NET 10 process at once, without this: the launcher notices.
/// </summary>
internal static class ProcessEnd
{
    // For what the others do when they hear of a failure, such as saving a checkpoint.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_abortLimit = TimeSpan.FromSeconds(10);

    public static void Watch(MpiGroup group, MpiLibrary library)
    {
        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
        {
            var exception = unhandled.ExceptionObject as Exception ?? new InvalidOperationException($"{unhandled.ExceptionObject}");
            group.Abort(exception);
            Console.Error.WriteLine($"{group.Name}: unhandled exception. {exception}"); // the runtime does not come to it
            EndAll(group, library, exception, 1);
        };
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            var exitCode = Environment.ExitCode is 0 ? 1 : Environment.ExitCode;
            if (group.IsBusy)
                EndAll(group, library, new InvalidOperationException("The program has ended before the group was done."), exitCode);
            try
            {
                group.MeetAtEnd();
                library.FinalizeMpi();
            }
            catch (Exception e) when (e is ProcessGroupException or MpiException)
            {
                EndAll(group, library, e, exitCode);
            }
        };
    }

    /// <summary>Ends this process without anything else.</summary>
    public static void Kill()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    private static void EndAll(MpiGroup group, MpiLibrary library, Exception reason, int exitCode)
    {
        group.Abort(reason);
        group.WaitUntilAllHaveFailed(s_grace);
        Console.Error.Flush();
        // MPI_Abort does not return, or else hangs where the library is in a bad state.
        new Thread(() =>
        {
            Thread.Sleep(s_abortLimit);
            Kill();
        })
        { IsBackground = true }.Start();
        library.Abort(exitCode, s_abortLimit);
        Kill();
    }
}
