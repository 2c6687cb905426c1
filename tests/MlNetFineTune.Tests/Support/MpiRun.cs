using System.Diagnostics;
using System.Text;
using MlNetFineTune.Distributed;

namespace MlNetFineTune.Tests.Support;

/// <summary>A program beside the tests that an MPI launcher runs in several processes.</summary>
internal sealed class MpiRun : IDisposable
{
    // CI runs as root, on fewer cores than processes. Binding would give each of two processes one core.
    private static readonly string[] s_openMpi = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none"];

    private static readonly string[] s_folders = OperatingSystem.IsLinux()
        ? (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries) : [];

    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly string _mark = $"mark-{Guid.NewGuid():N}";

    private MpiRun(string? launcher, int size, string program, IEnumerable<string> arguments, IEnumerable<(string, string?)> variables)
    {
        string[] command = [.. DotNet.WithTestDependencies(program, [.. arguments, _mark])];
        var start = launcher is null
            ? new ProcessStartInfo(DotNet.Host, command)
            : new ProcessStartInfo(launcher, [.. launcher == OpenMpi ? s_openMpi : [], "-np", $"{size}", DotNet.Host, .. command]);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        start.Environment["OMP_NUM_THREADS"] = "1";
        // In a container one process may not read another's memory, which Open MPI tries and complains about.
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none";
        foreach (var (name, value) in variables)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }
        Process = Process.Start(start)!;
        Process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        Process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    /// <summary>Open MPI's launcher, null where it is not installed.</summary>
    public static string? OpenMpi { get; } = FindOpenMpi(s_folders, VersionOf);

    /// <summary>The usual name of Open MPI's library.</summary>
    public static string OpenMpiLibrary => MpiLibraryNames.For(MpiFamily.OpenMpi)[0];

    /// <summary>MPICH's launcher, null where it is not installed.</summary>
    public static string? Mpich { get; } = PathsOf(s_folders, "mpirun.mpich", "mpiexec.hydra").FirstOrDefault(File.Exists);

    /// <summary>The launcher itself.</summary>
    public Process Process { get; }

    public string Output => Text(_output);

    public string Error => Text(_error);

    /// <summary>Its processes that live, the launcher among them.</summary>
    public IEnumerable<int> Living => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
        .Where(id => id > 0 && IsOurs(id));

    /// <summary>The processes of the program.</summary>
    public IReadOnlyList<int> Ranks =>
        [.. Living.Where(id => id != Process.Id && CommandOf(id).StartsWith(DotNet.Host, StringComparison.Ordinal))];

    public static void RequireOrSkip()
    {
        if (OpenMpi is null)
            Assert.Inconclusive("Open MPI's mpirun is not installed: apt-get install openmpi-bin.");
    }

    /// <summary>The first mpirun that is Open MPI's: other implementations have one too, without its options.</summary>
    /// <param name="folders">Where to look.</param>
    /// <param name="versionOf">What a program says about its version; null where there is none.</param>
    public static string? FindOpenMpi(IEnumerable<string> folders, Func<string, string?> versionOf) =>
        PathsOf(folders, "mpirun.openmpi", "mpirun")
            .FirstOrDefault(path => versionOf(path)?.Contains("open-mpi.org", StringComparison.Ordinal) == true);

    /// <summary>The caller disposes it.</summary>
    public static MpiRun Start(
        int size, string program, IEnumerable<string> arguments, string? launcher = null,
        params IEnumerable<(string, string?)> variables) =>
        new(launcher ?? OpenMpi, size, program, arguments, variables);

    /// <summary>Without a launcher. The caller disposes it.</summary>
    public static MpiRun StartAlone(string program, IEnumerable<string> arguments, params IEnumerable<(string, string?)> variables) =>
        new(null, 1, program, arguments, variables);

    /// <summary>Waits for the end of all.</summary>
    /// <returns>The exit code of the launcher.</returns>
    public int Wait()
    {
        if (!Process.WaitForExit(Patience.Limit))
            Assert.Fail($"It does not end.\n{Output}\n{Error}");
        Process.WaitForExit(); // for the rest of the output
        var clock = Stopwatch.StartNew();
        while (Living.Any())
        {
            if (clock.Elapsed > Patience.Limit)
                Assert.Fail($"Processes are left: {string.Join("; ", Living.Select(CommandOf))}\n{Output}\n{Error}");
            Thread.Sleep(50);
        }
        return Process.ExitCode;
    }

    /// <summary>Leaves no process behind, whatever the test has found.</summary>
    public void Dispose()
    {
        foreach (var id in Living.ToList())
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                // It has ended.
            }
        }
        Process.Dispose();
    }

    private static IEnumerable<string> PathsOf(IEnumerable<string> folders, params IEnumerable<string> names) =>
        names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name)));

    private static string? VersionOf(string path)
    {
        if (!File.Exists(path))
            return null;
        using var process = Process.Start(
            new ProcessStartInfo(path, "--version") { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        return process.StandardOutput.ReadToEnd() + error.Result;
    }

    // A zombie, which its parent has not yet waited for, has no command line.
    private bool IsOurs(int id) => CommandOf(id).Contains(_mark, StringComparison.Ordinal);

    private static string CommandOf(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static void Append(StringBuilder lines, string? line)
    {
        lock (lines)
            lines.AppendLine(line);
    }

    private static string Text(StringBuilder lines)
    {
        lock (lines)
            return lines.ToString();
    }
}
