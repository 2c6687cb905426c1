using System.Diagnostics;
using System.Text.Json;

namespace MlNetFineTune.Tool.Tests;

/// <summary>A run of the program in a process of its own.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
internal sealed record ToolRun(int ExitCode, string Output, string Error)
{
    private static readonly string s_program = Path.Combine(
        Repository.Root, "src", "MlNetFineTune.Tool", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0",
        "finetune.dll");

    /// <summary>The only document on standard output.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>The lines of standard output.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    public static ToolRun Of(params string[] arguments) => With(input: "", arguments);

    /// <summary>A run that must succeed.</summary>
    public static ToolRun Done(params string[] arguments)
    {
        ToolRun run = Of(arguments);
        Assert.AreEqual(0, run.ExitCode, run.Error);
        return run;
    }

    /// <param name="input">Its standard input.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ToolRun With(string input, params string[] arguments)
    {
        using Process process = Start(arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return End(process, output, error);
    }

    /// <summary>The running program. The caller disposes it.</summary>
    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(DotNet.Host, [s_program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    /// <summary>Waits for the end.</summary>
    public static ToolRun End(Process process, Task<string> output, Task<string> error)
    {
        if (!process.WaitForExit(Patience.Limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"The program did not end within {Patience.Limit.TotalMinutes} minutes.");
        }
        return new ToolRun(process.ExitCode, output.Result, error.Result);
    }
}
