using System.Diagnostics;
using System.Text;

namespace MlNetFineTune.Packages.Tests.Support;

/// <summary>
/// Programs in processes of their own. A test waits for them for long, and fails with all that they printed where they fail.
/// </summary>
internal static class Command
{
    /// <summary>Builds restore over a network, on a machine under load.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    /// <summary>The executable of the SDK that runs these tests.</summary>
    public static string DotNet { get; } = Path.GetFullPath(Path.Combine(
        Path.GetDirectoryName(typeof(object).Assembly.Location)!, // <dotnet>/shared/Microsoft.NETCore.App/<version>
        "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));

    /// <summary>What a command of the SDK prints, run in <paramref name="folder"/>.</summary>
    public static string RunDotNet(string folder, params IEnumerable<string> arguments) => Run(Sdk(folder, arguments));

    /// <summary>
    /// A command of the SDK. The build that runs these tests does not reach into the builds that they start, which leave no servers behind.
    /// </summary>
    public static ProcessStartInfo Sdk(string folder, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(DotNet, arguments) { WorkingDirectory = folder };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        return start;
    }

    /// <summary>What the program prints.</summary>
    public static string Run(ProcessStartInfo start)
    {
        using var process = Start(start, out var output);
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"'{Name(start)}' did not end in {s_limit.TotalMinutes} minutes. It printed:\n{Text(output)}");
        }
        // A process that it left behind may hold its output open.
        process.WaitForExitAsync().Wait(TimeSpan.FromSeconds(30));
        Assert.AreEqual(0, process.ExitCode, $"'{Name(start)}' printed:\n{Text(output)}");
        return Text(output);
    }

    /// <summary>
    /// Starts the program. The caller disposes it; <paramref name="output"/> grows by what it prints, and is locked for that.
    /// </summary>
    public static Process Start(ProcessStartInfo start, out StringBuilder output)
    {
        var lines = output = new StringBuilder();
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += Append;
        process.ErrorDataReceived += Append;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        void Append(object sender, DataReceivedEventArgs line)
        {
            lock (lines)
                lines.Append(line.Data).Append('\n');
        }
    }

    public static string Text(StringBuilder output)
    {
        lock (output)
            return output.ToString();
    }

    private static string Name(ProcessStartInfo start) => $"{start.FileName} {string.Join(' ', start.ArgumentList)}";
}
