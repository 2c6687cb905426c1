using System.Diagnostics;

namespace MlNetFineTune.Tests.Support;

/// <summary>The process of tests/MlNetFineTune.LoadOnly.</summary>
internal static class LoadOnly
{
    /// <returns>What it printed.</returns>
    public static string Run(string[] arguments)
    {
        var shared = Path.GetDirectoryName(typeof(object).Assembly.Location)!; // <dotnet>/shared/Microsoft.NETCore.App/<version>
        var dotnet = Path.Combine(shared, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        var beside = Path.Combine(AppContext.BaseDirectory, "MlNetFineTune.Tests");
        var start = new ProcessStartInfo(dotnet) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["exec", "--depsfile", beside + ".deps.json", "--runtimeconfig", beside + ".runtimeconfig.json", Path.Combine(AppContext.BaseDirectory, "MlNetFineTune.LoadOnly.dll"), .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, error.Result);
        return output;
    }
}
