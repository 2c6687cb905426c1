using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace MlNetFineTune.Tests.Support;

/// <summary>Runs a script of tools/reference with the Python that has torch: the variable PYTHON, else the system's.</summary>
internal static class Python
{
    /// <summary>The JSON that the script prints. Without a Python with torch the test is skipped with a message.</summary>
    public static JsonElement RunOrSkip(string script, params string[] arguments)
    {
        var python = Environment.GetEnvironmentVariable("PYTHON") is { Length: > 0 } chosen ? chosen : "/usr/bin/python3";
        if (Run(python, ["-c", "import torch"]) is not { ExitCode: 0 })
            Assert.Inconclusive($"There is no '{python}' with torch. Set PYTHON to one that has it.");
        var (exitCode, output, error) = Run(python, [Path.Combine(Repository.Root, "tools", "reference", script), .. arguments])!.Value;
        Assert.AreEqual(0, exitCode, error);
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    private static (int ExitCode, string Output, string Error)? Run(string python, IEnumerable<string> arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(python, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output, error.Result);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
