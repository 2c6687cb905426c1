using System.Diagnostics;

namespace MlNetFineTune.Tests.Support;

/// <summary>The host that runs these tests, in a process of its own.</summary>
internal static class DotNet
{
    /// <summary>Path of its executable.</summary>
    public static string Host { get; } = Path.Combine(
        Path.GetDirectoryName(typeof(object).Assembly.Location)!, // <dotnet>/shared/Microsoft.NETCore.App/<version>
        "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");

    /// <summary>What the program prints; the test fails with its errors where it does.</summary>
    public static string Run(params IEnumerable<string> arguments) => RunIn(Environment.CurrentDirectory, arguments);

    /// <summary>The same in another folder.</summary>
    public static string RunIn(string folder, params IEnumerable<string> arguments)
    {
        using var process = StartIn(folder, arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, error.Result);
        return output;
    }

    /// <summary>Its output and errors are redirected. The caller disposes it.</summary>
    public static Process Start(params IEnumerable<string> arguments) => StartIn(Environment.CurrentDirectory, arguments);

    private static Process StartIn(string folder, IEnumerable<string> arguments) => Process.Start(
        new ProcessStartInfo(Host, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder })!;

    /// <summary>Arguments that run a program beside the tests with the tests' own dependencies.</summary>
    public static IEnumerable<string> WithTestDependencies(string assembly, params IEnumerable<string> arguments)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "MlNetFineTune.Tests");
        return ["exec", "--depsfile", beside + ".deps.json", "--runtimeconfig", beside + ".runtimeconfig.json",
            Path.Combine(AppContext.BaseDirectory, assembly + ".dll"), .. arguments];
    }
}
