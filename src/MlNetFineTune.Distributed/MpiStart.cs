namespace MlNetFineTune.Distributed;

/// <summary>Makes the group of this process once: MPI can be initialised only once.</summary>
internal static class MpiStart
{
    private static readonly Lock s_lock = new();
    private static (ProcessGroup Group, MpiOptions Options)? s_made;

    public static ProcessGroup Group(MpiOptions? options)
    {
        lock (s_lock)
        {
            if (s_made is not { } made)
                s_made = made = (Make(options ??= new MpiOptions()), options);
            else if (options is not null && options != made.Options)
                throw new InvalidOperationException(
                    $"ProcessGroup.Mpi was called with {made.Options} and then with {options}. MPI is initialised once: give options in "
                    + "the first call, and none or the same later.");
            return made.Group;
        }
    }

    private static ProcessGroup Make(MpiOptions options)
    {
        if (Launcher.Find(Environment.GetEnvironmentVariable) is not { } launcher || launcher.Size == 1)
            return ProcessGroup.Single;
        ChildProcess.Refuse(Environment.GetEnvironmentVariable, Environment.ProcessId, launcher);
        var library = MpiLibrary.Load(options.Library, launcher);
        var watchdog = new NativeWatchdog(library, launcher, options.Timeout);
        library.Initialize();
        var size = library.Size;
        if (launcher.Size is { } expected && size != expected)
        {
            // As many trainings would run side by side and write the same files.
            throw new InvalidOperationException(
                $"{launcher.Name} has started {expected} processes ({launcher.SizeVariable} is {expected}), but the MPI library counts "
                + $"{size}: '{library.Path}', {library.Version}. It is not the library of that launcher, or that does not support it. "
                + $"{launcher.Advice} MpiOptions.Library or {MpiLibrary.PathVariable} chooses another library.");
        }
        if (size == 1)
        {
            library.FinalizeMpi();
            return ProcessGroup.Single;
        }
        Environment.SetEnvironmentVariable(
            ChildProcess.Variable, ChildProcess.Mark(Environment.GetEnvironmentVariable, Environment.ProcessId));
        var group = new MpiGroup(library, options);
        watchdog.Watches(group);
        ProcessEnd.Watch(group, library);
        group.Meet();
        return group;
    }
}
