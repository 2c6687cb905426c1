using System.Diagnostics;

namespace MlNetFineTune.Tests.Support;

/// <summary>A program beside the tests, in a process of its own, with the tests' dependencies.</summary>
internal static class ChildProcess
{
    /// <summary>Its output and errors are redirected. Caller disposes.</summary>
    public static Process Start(string assembly, params string[] arguments)
    {
        var shared = Path.GetDirectoryName(typeof(object).Assembly.Location)!; // <dotnet>/shared/Microsoft.NETCore.App/<version>
        var dotnet = Path.Combine(shared, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        var beside = Path.Combine(AppContext.BaseDirectory, "MlNetFineTune.Tests");
        var start = new ProcessStartInfo(dotnet) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["exec", "--depsfile", beside + ".deps.json", "--runtimeconfig", beside + ".runtimeconfig.json", Path.Combine(AppContext.BaseDirectory, assembly + ".dll"), .. arguments])
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
