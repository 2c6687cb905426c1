using System.Diagnostics;

namespace MlNetFineTune.Tests.Support;

/// <summary>One of these tests again, in a process of its own that sees another processor:
/// <c>tools/processors/other_processor.c</c>.</summary>
internal static class OtherProcessor
{
    private static readonly Lazy<string> s_library = new(Compile);

    /// <returns>The exit code (128 and the signal where one ended the process), and what was printed.</returns>
    public static (int Exit, string Output) RunOrSkip(string processor, string test, IReadOnlyList<(string Name, string Value)> variables)
    {
        if (Environment.GetEnvironmentVariable("OTHER_PROCESSOR") is { Length: > 0 })
            Assert.Inconclusive("These tests run on another processor already.");
        if (!OperatingSystem.IsLinux() || !File.ReadAllText("/proc/cpuinfo").Contains(" cpuid_fault", StringComparison.Ordinal))
            Assert.Inconclusive("Another processor is shown by refusing CPUID to the program, which this one, or its system, cannot do.");
        var start = new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "MlNetFineTune.Tests"), ["--filter", $"Name={test}", "--no-progress"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("ONEDNN_MAX_CPU_ISA");
        start.Environment.Remove("DNNL_MAX_CPU_ISA");
        start.Environment["OTHER_PROCESSOR"] = processor;
        start.Environment["LD_PRELOAD"] = s_library.Value;
        start.Environment[TestJournal.Variable] = SmallPictures.NewFolder(); // the journal beside the report is this process's
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }

    private static string Compile()
    {
        var library = Path.Combine(SmallPictures.NewFolder(), "other_processor.so");
        var source = Path.Combine(Repository.Root, "tools", "processors", "other_processor.c");
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("gcc", ["-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"]))!;
            compiler.WaitForExit();
            Assert.AreEqual(0, compiler.ExitCode, source);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("gcc is needed to show another processor, and is not here.");
        }
        return library;
    }
}
