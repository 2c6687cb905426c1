using System.Diagnostics;
using System.Text.Json;
using TorchSharp;

namespace MlNetFineTune.Benchmarks;

/// <summary>Runs the Python side (benchmarks/pytorch) with a Python that has torch: the variable PYTHON, otherwise the system's.</summary>
internal static class PyTorch
{
    private static string Python => Environment.GetEnvironmentVariable("PYTHON") is { Length: > 0 } python ? python : "/usr/bin/python3";

    /// <summary>MobileNetV2 in PyTorch, in both memory layouts, with the same number of threads.</summary>
    public static void PrintSteps(PairedTiming timing, string ours, string what, bool quick)
    {
        if (quick)
        {
            Console.WriteLine("(PyTorch is left out of a quick run)");
            return;
        }
        try
        {
            foreach (var line in Run("steps.py", ["--only", what, "--seconds", "20"]))
                timing.PrintAlso(ours, $"PyTorch {line.GetProperty("torch").GetString()}, {line.GetProperty("layout").GetString()}",
                    line.GetProperty("images_per_s").GetDouble());
        }
        catch (CannotRunException e)
        {
            // Only the fact belongs to the result; the message has an interpreter's error, and paths of this machine.
            Console.WriteLine("(PyTorch did not run)");
            Console.Error.WriteLine(e.Message);
        }
    }

    /// <summary>The JSON lines that a script prints.</summary>
    public static IReadOnlyList<JsonElement> Run(string script, IEnumerable<string> arguments)
    {
        using var process = Start(StartInfo(script, arguments));
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith('{'))
                .Select(line => JsonSerializer.Deserialize<JsonElement>(line))]
            : throw new CannotRunException($"PyTorch did not run: {error.Result.Trim().Split('\n')[^1]}");
    }

    /// <summary>Start information for a script, with the same number of threads.</summary>
    public static ProcessStartInfo StartInfo(string script, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(
            Python, [Path.Combine(SharedFiles.RepositoryRoot, "benchmarks", "pytorch", script), .. arguments, "--threads",
                $"{torch.get_num_threads()}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["MLNETFINETUNE_DATA"] = SharedFiles.Root;
        return start;
    }

    public static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new CannotRunException($"There is no '{Python}' ({e.Message}). Set PYTHON to one with torch and torchvision.");
        }
    }
}
