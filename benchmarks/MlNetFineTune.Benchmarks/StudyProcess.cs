using System.Diagnostics;
using System.Text.Json;

namespace MlNetFineTune.Benchmarks;

/// <summary>Runs this program in a separate process, so that memory and time are measured separately.</summary>
internal static class StudyProcess
{
    /// <param name="arguments">Arguments of <c>Program</c>.</param>
    /// <returns>The result, from its last line, which is JSON.</returns>
    public static T Run<T>(params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(StudyProcess).Assembly.Location, .. arguments])
        {
            RedirectStandardOutput = true
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<T>(output.Trim().Split('\n')[^1])!
            : throw new CannotRunException($"'{string.Join(' ', arguments)}' failed.");
    }
}
