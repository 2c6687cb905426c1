using System.Diagnostics;

namespace MlNetFineTune.Tests.Support;

/// <summary>The host that runs these tests, in a process of its own.</summary>
internal static class DotNet
{
    /// <summary>What the program prints; the test fails with its errors where it does.</summary>
    public static string Run(params IEnumerable<string> arguments)
    {
        var shared = Path.GetDirectoryName(typeof(object).Assembly.Location)!; // <dotnet>/shared/Microsoft.NETCore.App/<version>
        var host = Path.Combine(shared, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        using var process = Process.Start(new ProcessStartInfo(host, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, error.Result);
        return output;
    }
}
